// Codes that are absent, damaged, outdated or of other parameters: the search does without and answers the same.
import CKernels
import Gaussians
import Retrieval
import Storage
import TestSupport
import Testing

@Suite struct DerivedColumnTests {
    let folder: TemporaryFolder
    let gaussians: [Gaussian]
    let store: IndexStore
    let vectors: VectorStore
    static let dimension = 40

    init() throws {
        folder = try TemporaryFolder()
        gaussians = CodeLadderTests.Data.normal.gaussians(Self.dimension)
        store = try SearcherTests.index(gaussians, in: folder)
        vectors = try VectorStore(path: folder.file("index/vectors-1"), dimension: Self.dimension)
    }

    /// Searches, expects the right answers, and returns how many items the codes bounded.
    func codedItems() throws -> Int {
        try store.read { snapshot in
            var coded = 0
            for query in [gaussians[1], gaussians[300], gaussians[599]] {
                let (got, report) = try Searcher(query: query).nearest(25, in: .images, snapshot)
                #expect(got == CodeLadderTests.exact(query, gaussians, 25))
                #expect(report.coarse + report.means == report.scanned)
                coded = report.coarse
            }
            return coded
        }
    }

    static let parameters: [UInt8] = [0xFE, UInt8(Collection.images.rawValue)]
    /// Live items of the first block, the second, and both.
    static let (first, second, both) = (220, 219, 439)

    @Test func absent() throws {
        #expect(try codedItems() == Self.both)
        _ = try vectors.environment.write { try $0.remove(BlockKey(.images, .coarseCodes, 0).bytes) }
        #expect(try codedItems() == Self.second)
        _ = try vectors.environment.write { try $0.remove(BlockKey(.images, .fineCodes, 1).bytes) }
        #expect(try codedItems() == Self.second)
        _ = try vectors.environment.write { try $0.remove(Self.parameters) }
        #expect(try codedItems() == 0)
        #expect(try store.verify().damages.isEmpty, "absent codes are no damage")
    }

    /// A way to spoil a value of codes.
    enum Spoiling: CaseIterable, Sendable {
        case truncated, empty, magic, version, fingerprint, rows, block

        func callAsFunction(_ value: [UInt8]) -> [UInt8] {
            var value = value
            switch self {
            case .truncated: return Array(value.prefix(5_000))
            case .empty: return []
            case .magic: value[0] ^= 1
            case .version: value[24] ^= 2
            case .fingerprint: value[30] ^= 1
            case .rows: value[12] ^= 1
            case .block: value[8] ^= 1
            }
            return value
        }
    }

    @Test(arguments: Spoiling.allCases, Column.codes) func spoiled(how: Spoiling, column: Column) throws {
        try vectors.environment.write { transaction in
            let key = BlockKey(.images, column, 0).bytes
            try transaction.put(key, how(Array(#require(try transaction.value(key)))))
        }
        #expect(try codedItems() == (column == .coarseCodes ? Self.second : Self.both))
    }

    @Test func parametersThatCannotBeReadSwitchCodesOffAndAreReported() throws {
        try vectors.environment.write { transaction in
            var bytes = Array(try #require(try transaction.value(Self.parameters)))
            bytes[40] ^= 1
            try transaction.put(Self.parameters, bytes)
        }
        #expect(try codedItems() == 0)
        #expect(try store.verify().damages.count == 2, "one for each full block")
    }

    @Test func codesOfAnotherVersionAreNoDamage() throws {
        let slots = try store.read { try $0.slotCount(.images) }
        try vectors.environment.write { transaction in
            var bytes = Array(try #require(try transaction.value(Self.parameters)))
            bytes[0] -= 1
            try transaction.put(Self.parameters, bytes)
        }
        #expect(try codedItems() == 0)
        #expect(try store.verify().damages.isEmpty)
        // The next block that becomes full decides anew.
        try vectors.environment.write { try vectors.putCodes(.images, [1], $0) }
        #expect(try codedItems() == Self.second)
        #expect(try store.verify().damages.isEmpty)
        try vectors.rebuildDerivedColumns(.images, slots: slots)
        #expect(try codedItems() == Self.both)
    }

    @Test(arguments: [0, 4, 9, 17, 25, 50, 57, 69, 73, 80]) func aChangedByteOfTheParametersIsNoticed(offset: Int)
        throws
    {
        var bytes = try vectors.environment.read { Array(try #require(try $0.value(Self.parameters))) }
        #expect(bytes.withUnsafeBytes { CodeParameters($0, dimension: Self.dimension) } != nil)
        #expect(bytes.withUnsafeBytes { CodeParameters($0, dimension: Self.dimension + 1) } == nil)
        bytes[offset] ^= 1
        #expect(bytes.withUnsafeBytes { CodeParameters($0, dimension: Self.dimension) } == nil)
        #expect(Array(bytes.dropLast()).withUnsafeBytes { CodeParameters($0, dimension: Self.dimension) } == nil)
    }

    @Test func parametersAlongAxesSurviveTheirBytes() throws {
        var axes = [Float](repeating: 0, count: 9)
        for j in 0..<3 { axes[4 * j] = 1 }
        var plan = pk_code_plan()
        plan.d = 3
        plan.chunks4 = 1
        (plan.weight8, plan.weight4, plan.weight2, plan.skew) = (1, 0.5, 0.25, 1e-9)
        let parameters = CodeParameters(seed: 5, sampleCount: 9_000, centroid: [1, 2, 3], axes: axes, plan: plan)
        let read = parameters.bytes.withUnsafeBytes { CodeParameters($0, dimension: 3) }
        #expect(read == parameters && read?.axes == axes && read?.sampleCount == 9_000)
        #expect(read?.plan.weight2 == 0.25 && read?.plan.skew == 1e-9)
    }

    @Test func codesOfAnotherCentroidAreNotUsed() throws {
        let other = CodeParameters(centroid: [Float](repeating: 0.25, count: Self.dimension))
        try vectors.environment.write { try $0.put(Self.parameters, other.bytes) }
        #expect(try codedItems() == 0)
    }

    @Test func codesOfOtherGaussiansAreFoundByVerify() throws {
        try vectors.environment.write { transaction in
            let parameters = try #require(try vectors.codeParameters(.images, transaction))
            var means = Array(try vectors.rows(.images, .means, 0, count: 256, transaction))
            means[2] ^= 0x40
            let scalars = try vectors.rows(.images, .scalars, 0, count: 256, transaction)
            let codes = means.withUnsafeBytes { parameters.encode(means: $0, scalars: scalars) }
            let key = BlockKey(.images, .fineCodes, 0)
            let value = GaussianCodec.value(
                key, rows: codes[2].rows, rowSize: parameters.rowSize(.fineCodes),
                derivation: parameters.derivation)
            try transaction.put(key.bytes, value)
        }
        #expect(
            try store.verify().damages.map(\.description) == [
                "block 0 of images, column fineCodes: the codes are not those of its Gaussians"
            ])
    }

    @Test func rebuiltCodesHaveTheCentroidOfAllFullBlocks() throws {
        let before = try vectors.environment.read { try vectors.codeParameters(.images, $0) }
        #expect(try vectors.rebuildDerivedColumns(.images, slots: 600) == 2)
        let after = try #require(try vectors.environment.read { try vectors.codeParameters(.images, $0) })
        #expect(after != before)
        for j in 0..<Self.dimension {
            let mean = gaussians.prefix(512).reduce(0.0) { $0 + Double($1.mean[j]) } / 512
            #expect(after.centroid[j] == Float(mean))
        }
        #expect(try codedItems() == Self.both)
        #expect(try store.verify().damages.isEmpty)
        #expect(try vectors.rebuildDerivedColumns(.texts, slots: 0) == 0)
    }

    @Test func anIndexWithoutCodesGetsThem() throws {
        try vectors.environment.write { transaction in
            _ = try transaction.remove(Self.parameters)
            for column in Column.codes {
                for block in 0..<2 { _ = try transaction.remove(BlockKey(.images, column, block).bytes) }
            }
        }
        #expect(try codedItems() == 0)
        try vectors.rebuildDerivedColumns(.images, slots: 600)
        #expect(try codedItems() == Self.both)
    }

    @Test func optimizeMakesMissingCodesAndChoosesTheCentroidOfWhatIsLive() throws {
        let writer = try IndexWriter(store)
        let packed = try writer.optimize()
        #expect(packed.wasNeeded && !packed.madeCodes)
        #expect(try coded() == 512)
        _ = try store.read { try $0.codeParameters(of: .images) }.map { parameters in
            let live = gaussians.enumerated().filter { ($0.offset + 1) % 7 != 0 }.map(\.element)
            for j in 0..<Self.dimension {
                let mean = live.reduce(0.0) { $0 + Double($1.mean[j]) } / Double(live.count)
                #expect(abs(parameters.centroid[j] - Float(mean)) <= 1e-7)
            }
        }
        #expect(try !writer.optimize().madeCodes)
        let name = try store.read { $0.state.vectors }
        let vectors = try VectorStore(path: folder.file("index/\(name)"), dimension: Self.dimension)
        _ = try vectors.environment.write { try $0.remove(BlockKey(.images, .fineCodes, 1).bytes) }
        let mended = try writer.optimize()
        #expect(!mended.wasNeeded && mended.madeCodes)
        #expect(try vectors.hasAllCodes(.images, slots: 515))
        #expect(try coded() == 512)
        #expect(try store.verify().damages.isEmpty)
    }

    /// Searches, expects the right answer whatever the slots, and returns how many items the codes bounded.
    private func coded() throws -> Int {
        try store.read { snapshot in
            let (got, report) = try Searcher(query: gaussians[1]).nearest(25, in: .images, snapshot)
            #expect(got == CodeLadderTests.exact(gaussians[1], gaussians, 25))
            return report.coarse
        }
    }

    /// All values of a folder of vectors but its identity.
    private static func values(_ vectors: VectorStore) throws -> [[UInt8]: [UInt8]] {
        try vectors.environment.read { transaction in
            var values: [[UInt8]: [UInt8]] = [:]
            try transaction.forEach { key, value in
                if key.first != 0xFF { values[Array(key)] = Array(value) }
                return true
            }
            return values
        }
    }

    /// Adds Gaussians as rows in memory, as an import does: in pieces of so many that become visible together, or never.
    private static func addRows(
        _ gaussians: ArraySlice<Gaussian>, inPiecesOf size: Int, to writer: IndexWriter, isCommitted: Bool = true
    ) throws {
        var pending = try writer.begin(.images, .scan)
        for first in stride(from: gaussians.startIndex, to: gaussians.endIndex, by: size) {
            let piece = gaussians[first..<min(first + size, gaussians.endIndex)]
            let means = piece.flatMap(\.mean)
            let logVariances = piece.flatMap(\.logVariance)
            let scalars = piece.flatMap { [$0.squaredNorm, $0.totalVariance] }
            try means.withUnsafeBufferPointer { means in
                try logVariances.withUnsafeBufferPointer { logVariances in
                    try scalars.withUnsafeBufferPointer { scalars in
                        let rows = RowColumns(
                            count: piece.count, means: try #require(means.baseAddress),
                            logVariances: try #require(logVariances.baseAddress),
                            scalars: try #require(scalars.baseAddress))
                        let names = piece.indices.map { Array("\($0)".utf8) }
                        try writer.append(rows, names: names, replacing: [], to: &pending)
                    }
                }
            }
        }
        if isCommitted { try writer.commit(pending) }
    }

    /// How items come into an index.
    enum Way: CustomTestStringConvertible, Sendable {
        /// So many a commit.
        case objects(Int)
        /// So many a commit, in pieces.
        case rows(Int, pieces: Int)
        /// As rows, after a run that wrote as many others in pieces and died before its commit.
        case afterDeath(pieces: Int)

        var testDescription: String { "\(self)" }
    }

    @Test func batchesOfAnySizeLeaveTheSameBytes() throws {
        // Axes are decided at 8,192; then what is derived waits until it is much.
        let (count, dimension) = (16_500, 12)
        var generator = SeededGenerator(seed: 77)
        let gaussians = (0..<count).map { _ in generator.gaussian(dimension: dimension) }
        let others = (0..<7_900).map { _ in generator.gaussian(dimension: dimension) }
        let ways: [Way] = [
            .objects(count), .objects(700), .rows(count, pieces: count), .rows(8_000, pieces: 8_000),
            .rows(700, pieces: 700), .rows(190, pieces: 190), .rows(count, pieces: 700), .rows(count, pieces: 2_560),
            .rows(5_000, pieces: 256), .afterDeath(pieces: 2_560), .afterDeath(pieces: 700),
        ]
        var expected: [[UInt8]: [UInt8]]?
        for way in ways {
            let folder = try TemporaryFolder()
            let store = try IndexStore.create(
                at: folder.file("index"), SyntheticIndex.state(dimension: dimension))
            try Self.fill(store, gaussians, way, others: others)
            let vectors = try VectorStore(path: folder.file("index/vectors-1"), dimension: dimension)
            let values = try Self.values(vectors)
            #expect(values.count == 64 * 8 + 4 + 1, "64 full blocks, one that is not, and the parameters")
            expected = expected ?? values
            let isSame = values == expected  // not in the expectation: a failure would print megabytes
            #expect(isSame, "\(way)")
            #expect(try store.verify().damages.isEmpty)
        }
    }

    private static func fill(_ store: IndexStore, _ gaussians: [Gaussian], _ way: Way, others: [Gaussian]) throws {
        switch way {
        case .objects(let size):
            let writer = try IndexWriter(store)
            for first in stride(from: 0, to: gaussians.count, by: size) {
                let batch = gaussians[first..<min(first + size, gaussians.count)]
                try SyntheticIndex.add(Array(batch), to: writer, firstName: first)
            }
        case .rows(let size, let pieces):
            let writer = try IndexWriter(store)
            for first in stride(from: 0, to: gaussians.count, by: size) {
                try addRows(gaussians[first..<min(first + size, gaussians.count)], inPiecesOf: pieces, to: writer)
            }
        case .afterDeath(let pieces):
            try addRows(others[...], inPiecesOf: pieces, to: try IndexWriter(store), isCommitted: false)
            try addRows(gaussians[...], inPiecesOf: pieces, to: try IndexWriter(store))
        }
    }

    @Test func orphansOfAnInterruptedRunLeaveNoCodesBehind() throws {
        let writer = try IndexWriter(store)
        var generator = SeededGenerator(seed: 3)
        // A run that died between both commits had filled block 2 with other items.
        let orphans = (0..<300).map {
            (id: ItemID(rawValue: Int64(900 + $0)), gaussian: generator.gaussian(dimension: Self.dimension))
        }
        _ = try vectors.environment.write { try vectors.append(orphans, to: .images, after: 600, $0) }
        #expect(try codedItems() == Self.both + 76, "the slots of the catalogue are those of the codes")
        let added = [generator.gaussian(dimension: Self.dimension)]
        try SyntheticIndex.add(added, to: writer, firstName: 600)
        try store.read { snapshot in
            for query in added {
                let (got, report) = try Searcher(query: query).nearest(3, in: .images, snapshot)
                #expect(got == CodeLadderTests.exact(query, gaussians + added, 3))
                #expect(report.coarse == Self.both)
            }
        }
        #expect(try store.verify().damages.isEmpty)
    }
}
