// The ladder of codes against a full scan in Float64: the same items and the same bytes, whatever the data.
import CKernels
import Foundation
import Gaussians
import Retrieval
import Storage
import TestSupport
import Testing

@Suite struct CodeLadderTests {
    /// Data to be hard on bounds: each a name and 600 Gaussians.
    enum Data: String, CaseIterable, Sendable {
        case normal, equal, zero, ties, loudDimension, wideVariances, tiny, huge, mixedScales, farFromTheCentroid

        func gaussians(_ dimension: Int) -> [Gaussian] {
            var generator = SeededGenerator(seed: UInt64(dimension))
            let base = generator.gaussian(dimension: dimension)
            return (0..<600).map { index in
                let plain = generator.gaussian(dimension: dimension, logVariance: -7)
                func scaled(_ factor: Float) -> Gaussian {
                    Gaussian(mean: plain.mean.map { $0 * factor }, logVariance: plain.logVariance)
                }
                switch self {
                case .normal: return plain
                case .equal: return base
                case .zero: return index % 3 == 0 ? plain : scaled(0)
                case .ties: return index % 2 == 0 ? plain : base
                case .loudDimension:
                    var mean = plain.mean
                    mean[dimension / 2] = 20
                    return Gaussian(mean: mean, logVariance: plain.logVariance)
                case .wideVariances:
                    let level = Float(index % 61) - 40
                    return Gaussian(
                        mean: plain.mean, logVariance: [Float](repeating: level, count: dimension))
                case .tiny: return scaled(1e-25)
                case .huge: return scaled(index % 2 == 0 ? 1e14 : 1e10)
                case .mixedScales: return scaled([1e-20, 1, 1e8, 1e25][index % 4])
                case .farFromTheCentroid:
                    return Gaussian(
                        mean: zip(base.mean, plain.mean).map { (index < 256 ? -100 : 100) * $0 + $1 },
                        logVariance: plain.logVariance)
                }
            }
        }
    }

    /// The answer by definition, of the items that `isIncluded` and are not every seventh.
    static func exact(
        _ query: Gaussian, _ gaussians: [Gaussian], _ limit: Int, where isIncluded: (Int) -> Bool = { _ in true }
    ) -> [Candidate] {
        gaussians.enumerated().filter { ($0.offset + 1) % 7 != 0 && isIncluded($0.offset) }
            .map { index, gaussian in
                Candidate(
                    id: ItemID(rawValue: Int64(index + 1)), csd: query.csd(to: gaussian),
                    totalVariance: gaussian.totalVariance, squaredNorm: gaussian.squaredNorm)
            }
            .sorted { ($0.csd, $0.id) < ($1.csd, $1.id) }.prefix(limit).map { $0 }
    }

    @Test(arguments: Data.allCases, [1, 2, 7, 8, 9, 17, 33, 192])
    func theAnswerIsThatOfAFullScan(data: Data, dimension: Int) throws {
        let folder = try TemporaryFolder()
        let gaussians = data.gaussians(dimension)
        let store = try SearcherTests.index(gaussians, in: folder)
        var generator = SeededGenerator(seed: 5)
        let queries = [
            generator.gaussian(dimension: dimension), gaussians[4],
            Gaussian(point: [Float](repeating: 0, count: dimension)),
            Gaussian(point: generator.normals(dimension).map { $0 * 1e6 }),
        ]
        try store.read { snapshot in
            for query in queries {
                for limit in [1, 10, 300, 1_000] {
                    let expected = Self.exact(query, gaussians, limit)
                    for kernels in Kernels.available {
                        let (got, report) = try Searcher(query: query, kernels: kernels)
                            .nearest(limit, in: .images, snapshot)
                        #expect(got == expected, "\(data) D=\(dimension) k=\(limit) \(kernels.name)")
                        // Beyond 1e12 nothing is coded.
                        let isCoded = data != .huge && data != .mixedScales
                        #expect(!isCoded || (report.coarse == 439 && report.means == 76), "\(report)")
                    }
                    let plain = try Searcher(query: query, usesCodes: false).nearest(limit, in: .images, snapshot)
                    #expect(plain.candidates == expected && plain.report.coarse == 0)
                }
            }
        }
    }

    @Test(arguments: [255, 256, 257, 511, 512, 513]) func blockBorders(count: Int) throws {
        let folder = try TemporaryFolder()
        let gaussians = Array(Data.normal.gaussians(24).prefix(count))
        let store = try SearcherTests.index(gaussians, in: folder)
        try store.read { snapshot in
            for query in gaussians.prefix(3) {
                let (got, report) = try Searcher(query: query).nearest(20, in: .images, snapshot)
                #expect(got == Self.exact(query, gaussians, 20))
                #expect((report.coarse > 0) == (count >= 256))
                #expect(report.scanned == count - count / 7)
            }
        }
    }

    @Test func eachRungLeavesLessToTheNext() throws {
        var generator = SeededGenerator(seed: 31)
        let folder = try TemporaryFolder()
        let gaussians = (0..<2_048).map { _ in generator.gaussian(dimension: 384) }
        let store = try SearcherTests.index(gaussians, in: folder)
        try store.read { snapshot in
            let (_, report) = try Searcher(query: generator.gaussian(dimension: 384))
                .nearest(10, in: .images, snapshot)
            #expect(report.coarse == report.scanned && report.means == 0)
            #expect(report.residual < report.coarse && report.fine < report.residual / 2, "\(report)")
            #expect(report.reranked < 60 && report.reranked >= 10, "\(report)")
        }
    }

    @Test(arguments: [1, 3, 50, 400]) func filtersAreAppliedBeforeRanking(step: Int) throws {
        let folder = try TemporaryFolder()
        let gaussians = Data.normal.gaussians(33)
        let store = try SearcherTests.index(gaussians, in: folder)
        let kept = stride(from: 1, to: 600, by: step)
        let slots = SlotSet(kept.map { Placement(block: $0 / 256, slot: $0 % 256) })
        let query = gaussians[100]
        try store.read { snapshot in
            let expected = Self.exact(query, gaussians, 15) { kept.contains($0) }
            for kernels in Kernels.available {
                let (got, report) = try Searcher(query: query, kernels: kernels)
                    .nearest(15, in: .images, snapshot, among: slots)
                #expect(got == expected && report.scanned == kept.count { ($0 + 1) % 7 != 0 })
            }
            #expect(
                try Searcher(query: query).nearest(15, in: .images, snapshot, among: SlotSet()).candidates.isEmpty)
        }
    }

    @Test func itemsAreCountedOnceAlsoWhereAFilterLeavesFew() throws {
        let folder = try TemporaryFolder()
        let gaussians = Data.normal.gaussians(48)
        let store = try SearcherTests.index(gaussians, in: folder)
        let slots = SlotSet(stride(from: 0, to: 512, by: 16).map { Placement(block: $0 / 256, slot: $0 % 256) })
        try store.read { snapshot in
            let queries = Array(gaussians.prefix(12))
            let batch = try Searcher.nearest(queries: queries, 2, in: .images, snapshot, among: slots, threads: 1)
            for (query, answer) in zip(queries, batch) {
                let single = try Searcher(query: query).nearest(2, in: .images, snapshot, among: slots)
                #expect(answer == single && answer.report.fine > 0, "\(answer.report)")
            }
        }
    }

    @Test(arguments: [1, 2, 5], [0, 1, 9, 40]) func aBatchAnswersAsOneByOne(threads: Int, count: Int) throws {
        let folder = try TemporaryFolder()
        let gaussians = Data.normal.gaussians(48)
        let store = try SearcherTests.index(gaussians, in: folder)
        let queries = Array(gaussians.suffix(count))
        let slots = SlotSet((0..<500).map { Placement(block: $0 / 256, slot: $0 % 256) })
        try store.read { snapshot in
            for slots in [nil, slots] {
                let batch = try Searcher.nearest(
                    queries: queries, 12, in: .images, snapshot, among: slots, threads: threads)
                #expect(batch.count == count)
                for (query, answer) in zip(queries, batch) {
                    let single = try Searcher(query: query).nearest(12, in: .images, snapshot, among: slots)
                    #expect(answer.candidates == single.candidates && answer.report.scanned == single.report.scanned)
                    // Where many read fine codes at once, other rungs are touched.
                    if answer.report.coarse > 0 { #expect(answer.report == single.report) }
                }
            }
            #expect(throws: DimensionError.self) {
                try Searcher.nearest(
                    queries: queries + [Gaussian(point: [1])], 3, in: .images, snapshot, threads: threads)
            }
        }
    }

    /// Items that differ much in a few directions, as those of models do: enough of them for axes of their own.
    private static func spread(_ count: Int, _ dimension: Int, _ generator: inout SeededGenerator) -> [Gaussian] {
        (0..<count).map { _ in
            let mean = generator.normals(dimension).enumerated().map { $1 / Float($0 + 4) }
            let length = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let level = -8 + generator.normal()
            return Gaussian(mean: mean.map { $0 / length }, logVariance: [Float](repeating: level, count: dimension))
        }
    }

    @Test func axesGiveTheSameAnswersFromFewerItems() throws {
        var generator = SeededGenerator(seed: 51)
        let folder = try TemporaryFolder()
        let dimension = 96
        let gaussians = Self.spread(8_300, dimension, &generator)
        let store = try SearcherTests.index(gaussians, in: folder)
        let queries = Self.spread(6, dimension, &generator) + [gaussians[76]]
        let parameters = try store.read { try #require(try $0.codeParameters(of: .images)) }
        #expect(parameters.axes != nil && parameters.sampleCount == 8_192, "decided once there are enough")
        #expect(parameters.plan.chunks8 > 0 && parameters.plan.chunks2 > 0, "\(parameters.plan)")
        #expect(parameters.rowSize(.coarseCodes) < Column.coarseCodes.rowSize(dimension: dimension))
        try store.read { snapshot in
            for query in queries {
                let expected = Self.exact(query, gaussians, 20)
                for kernels in Kernels.available {
                    let (got, report) = try Searcher(query: query, kernels: kernels).nearest(20, in: .images, snapshot)
                    #expect(got == expected, "\(kernels.name)")
                    #expect(
                        report.coarse > 7_000 && report.residual + report.fine < report.coarse / 4,
                        "\(report)")
                }
            }
            // On one thread many queries read fine codes at once, on two the first ladder serves.
            let many = queries + queries.reversed()
            for threads in [1, 2] {
                for kernels in Kernels.available {
                    let batch = try Searcher.nearest(
                        queries: many, 20, in: .images, snapshot, kernels: kernels, threads: threads)
                    #expect(batch.map(\.candidates) == many.map { Self.exact($0, gaussians, 20) }, "\(kernels.name)")
                    let readsAtOnce = threads == 1 && kernels.table.pointee.bound_fine_blocks != nil
                    for answer in batch {
                        #expect((answer.report.fine > 7_000) == readsAtOnce, "\(answer.report)")
                        #expect(answer.report.fine <= answer.report.scanned, "each is counted once")
                        #expect((answer.report.coarse == 0) == readsAtOnce && answer.report.reranked < 200)
                    }
                }
            }
        }
        let vectors = try VectorStore(path: folder.file("index/vectors-1"), dimension: dimension)
        #expect(try vectors.hasAllCodes(.images, slots: 8_300))
        let damages = try store.verify().damages.map(\.description)
        #expect(damages == [], "codes are those of the axes, in every block")
    }

    /// The share of the true closest that is found, and what it saves, where errors are taken as random.
    @Test(arguments: [0.9, 0.99, 0.999]) func accuracyKeepsItsWordAlongAxes(accuracy: Double) throws {
        var generator = SeededGenerator(seed: 61)
        let folder = try TemporaryFolder()
        let gaussians = Self.spread(8_200, 96, &generator)
        let store = try SearcherTests.index(gaussians, in: folder)
        try store.read { snapshot in
            var (found, refined, certain) = (0, 0, 0)
            for query in Self.spread(100, 96, &generator) {
                let (truth, full) = try Searcher(query: query).nearest(10, in: .images, snapshot)
                let (got, report) = try Searcher(query: query, accuracy: accuracy).nearest(10, in: .images, snapshot)
                found += Set(truth.map(\.id)).intersection(got.map(\.id)).count
                refined += report.fine
                certain += full.residual
                for candidate in got {
                    #expect(truth.allSatisfy { $0.id != candidate.id || $0.csd == candidate.csd }, "exact when found")
                }
            }
            #expect(Double(found) / 1_000 >= accuracy)
            #expect(refined < certain, "\(refined) of \(certain)")
        }
    }

    @Test func accuracyKeepsItsWord() throws {
        var generator = SeededGenerator(seed: 41)
        let folder = try TemporaryFolder()
        let gaussians = (0..<4_096).map { _ in generator.gaussian(dimension: 192) }
        let store = try SearcherTests.index(gaussians, in: folder)
        try store.read { snapshot in
            for accuracy in [0.9, 0.999] {
                var (found, refined, certain) = (0, 0, 0)
                for _ in 0..<100 {
                    let query = generator.gaussian(dimension: 192)
                    let (truth, full) = try Searcher(query: query).nearest(10, in: .images, snapshot)
                    let (got, report) = try Searcher(query: query, accuracy: accuracy)
                        .nearest(10, in: .images, snapshot)
                    found += Set(truth.map(\.id)).intersection(got.map(\.id)).count
                    refined += report.fine
                    certain += full.residual
                }
                #expect(Double(found) / 1_000 >= accuracy)
                #expect(refined < certain / 2, "\(refined) of \(certain)")
            }
        }
    }
}
