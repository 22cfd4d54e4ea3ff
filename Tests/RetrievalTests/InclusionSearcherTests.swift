// The search by containment and inclusion against the formula asked of every item: the same items and the same bytes.
import Gaussians
import Retrieval
import Storage
import TestSupport
import Testing

@Suite struct InclusionSearcherTests {
    /// Gaussians to be hard on bounds.
    enum Data: String, CaseIterable, Sendable {
        case normal, ties, wideVariances, beyondHalves

        func gaussians(_ dimension: Int) -> [Gaussian] {
            var generator = SeededGenerator(seed: UInt64(dimension) + 40)
            let base = generator.gaussian(dimension: dimension)
            return (0..<1_100).map { index in
                var plain = generator.gaussian(dimension: dimension, logVariance: -9)
                switch self {
                case .normal: break
                case .ties: return index % 3 == 0 ? base : plain
                case .wideVariances:
                    plain.logVariance = plain.logVariance.map { $0 + Float(index % 41) / 2 - 10 }
                case .beyondHalves where index % 50 == 0: plain.logVariance[0] = -60
                case .beyondHalves: break
                }
                return plain
            }
        }
    }

    /// The answer by definition, of the items that are not every seventh.
    static func exact(
        _ query: PreparedGaussian, _ gaussians: [Gaussian], _ measure: InclusionMeasure, _ limit: Int,
        where isIncluded: (Int) -> Bool = { _ in true }
    ) throws -> [InclusionCandidate] {
        try gaussians.enumerated().filter { ($0.offset + 1) % 7 != 0 && isIncluded($0.offset) }
            .map { index, gaussian in
                InclusionCandidate(
                    id: ItemID(rawValue: Int64(index + 1)), placement: Placement(block: index / 256, slot: index % 256),
                    nats: measure.exact(query, try PreparedGaussian(gaussian)))
            }
            .sorted { ($1.nats, $0.id) < ($0.nats, $1.id) }.prefix(limit).map { $0 }
    }

    @Test(arguments: Data.allCases, [1, 7, 16, 33, 192])
    func theAnswerIsThatOfTheFormulaAskedOfEveryItem(data: Data, dimension: Int) throws {
        let folder = try TemporaryFolder()
        let gaussians = data.gaussians(dimension)
        let store = try SearcherTests.index(gaussians, in: folder)
        var generator = SeededGenerator(seed: 5)
        let queries = [gaussians[3], generator.gaussian(dimension: dimension, logVariance: -7)]
        try store.read { snapshot in
            let blocks = try snapshot.inclusionBlocks(of: .images)
            for query in try queries.map({ try PreparedGaussian($0) }) {
                for measure in InclusionMeasure.allCases {
                    for limit in [1, 10, 100, 5_000] {
                        let expected = try Self.exact(query, gaussians, measure, limit)
                        for kernels in Kernels.available {
                            let searcher = InclusionSearcher(query: query, kernels: kernels)
                            let got = try searcher.largest(limit, by: measure, in: blocks, threads: limit % 3 + 1)
                            #expect(got.candidates == expected, "\(kernels.name), \(measure)")
                        }
                    }
                    #expect(
                        try InclusionSearcher(query: query).largest(0, by: measure, in: blocks, threads: 1).candidates
                            .isEmpty)
                }
            }
        }
    }

    @Test func fewItemsAreComputed() throws {
        let folder = try TemporaryFolder()
        let gaussians = Data.normal.gaussians(192)
        let store = try SearcherTests.index(gaussians, in: folder)
        let query = try PreparedGaussian(gaussians[3])
        try store.read { snapshot in
            for measure in InclusionMeasure.allCases {
                let got = try InclusionSearcher(query: query).largest(
                    5, by: measure, in: try snapshot.inclusionBlocks(of: .images), threads: 1)
                // The last block, of 76 slots, has no half-precision variances: its items are all computed.
                #expect(got.reranked >= 5 && got.reranked < 66 + 40, "\(got.reranked) for \(measure)")
            }
        }
    }

    @Test func withoutHalfPrecisionEverythingIsComputed() throws {
        let folder = try TemporaryFolder()
        let gaussians = Data.normal.gaussians(33)
        let store = try SearcherTests.index(gaussians, in: folder)
        let vectors = try VectorStore(path: folder.file("index/vectors-1"), dimension: 33)
        _ = try vectors.environment.write { transaction in
            for block in 0..<4 { _ = try transaction.remove(BlockKey(.images, .halfVariances, block).bytes) }
        }
        let query = try PreparedGaussian(gaussians[8])
        let got = try store.read { snapshot in
            try InclusionSearcher(query: query).largest(
                7, by: .inclusion, in: try snapshot.inclusionBlocks(of: .images), threads: 2)
        }
        #expect(try got.candidates == Self.exact(query, gaussians, .inclusion, 7))
        #expect(got.reranked == gaussians.indices.count { ($0 + 1) % 7 != 0 })
    }
}
