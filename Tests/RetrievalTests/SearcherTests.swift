// The two-stage search against a full scan in Float64.
import Foundation
import Gaussians
import Retrieval
import Storage
import TestSupport
import Testing

@Suite struct SearcherTests {
    /// An index of `count` pictures, with every seventh removed.
    static func index(_ gaussians: [Gaussian], in folder: TemporaryFolder) throws -> IndexStore {
        let store = try IndexStore.create(
            at: folder.file("index"), SyntheticIndex.state(dimension: gaussians[0].dimension))
        let writer = try IndexWriter(store)
        try SyntheticIndex.add(gaussians, to: writer)
        var batch = Batch()
        batch.removals = stride(from: 7, through: gaussians.count, by: 7).map { ItemID(rawValue: Int64($0)) }
        try writer.commit(batch)
        return store
    }

    /// The answer by definition.
    static func exact(_ query: Gaussian, _ gaussians: [Gaussian], _ limit: Int) -> [(ItemID, Double)] {
        gaussians.enumerated().filter { ($0.offset + 1) % 7 != 0 }
            .map { (ItemID(rawValue: Int64($0.offset + 1)), query.csd(to: $0.element)) }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
            .prefix(limit).map { $0 }
    }

    @Test(arguments: [1, 5, 96, 192]) func theAnswerIsThatOfAFullScanToTheBit(dimension: Int) throws {
        var generator = SeededGenerator(seed: UInt64(dimension))
        let folder = try TemporaryFolder()
        var gaussians = (0..<1_000).map { _ in generator.gaussian(dimension: dimension, logVariance: -6) }
        for index in 500..<520 { gaussians[index] = gaussians[index - 500] }  // ties
        let store = try Self.index(gaussians, in: folder)
        let queries = (0..<5).map { _ in generator.gaussian(dimension: dimension, logVariance: -5) } + [gaussians[3]]
        for query in queries {
            for kernels in Kernels.available {
                for limit in [0, 1, 10, 100, 5_000] {
                    let (candidates, report) = try store.read {
                        try Searcher(query: query, kernels: kernels).nearest(limit, in: .images, $0)
                    }
                    let expected = Self.exact(query, gaussians, limit)
                    #expect(candidates.map(\.id) == expected.map(\.0), "\(kernels.name) \(limit)")
                    #expect(candidates.map(\.csd) == expected.map(\.1), "\(kernels.name) \(limit)")
                    #expect(limit == 0 || report.scanned == 858)
                }
            }
        }
    }

    @Test func theFirstStageExcludesAlmostEverything() throws {
        var generator = SeededGenerator(seed: 11)
        let folder = try TemporaryFolder()
        let store = try Self.index((0..<2_000).map { _ in generator.gaussian(dimension: 192) }, in: folder)
        let query = generator.gaussian(dimension: 192)
        let (_, report) = try store.read { try Searcher(query: query).nearest(10, in: .images, $0) }
        #expect(report.reranked < 40)
    }

    @Test func anEmptyIndexHasNoAnswersAndOtherDimensionsAreRefused() throws {
        let folder = try TemporaryFolder()
        let store = try IndexStore.create(at: folder.file("index"), SyntheticIndex.state(dimension: 3))
        try store.read { snapshot in
            let answer = try Searcher(query: Gaussian(point: [1, 0, 0])).nearest(5, in: .images, snapshot)
            #expect(answer.candidates.isEmpty)
            let error = #expect(throws: DimensionError.self) {
                try Searcher(query: Gaussian(point: [1, 0])).nearest(5, in: .images, snapshot)
            }
            #expect(error?.description == "the query has 2 dimensions, the index 3")
        }
    }

    @Test func theHeapKeepsTheSmallest() {
        var generator = SeededGenerator(seed: 12)
        for capacity in [1, 2, 7, 100] {
            var heap = BoundedHeap(capacity: capacity)
            var all: [Double] = []
            for _ in 0..<300 {
                let key = Double(Int.random(in: 0..<50, using: &generator))
                heap.insert(key)
                all.append(key)
                all.sort()
                #expect(heap.threshold == (all.count < capacity ? .infinity : all[capacity - 1]))
            }
        }
    }
}
