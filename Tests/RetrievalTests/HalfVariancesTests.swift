// The column of half-precision variances: made with full blocks, done without where absent or spoiled, mended by optimize.
import Gaussians
import Retrieval
import Storage
import TestSupport
import Testing

@Suite struct HalfVariancesTests {
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

    func key(_ block: Int) -> BlockKey { BlockKey(.images, .halfVariances, block) }

    /// Which blocks a scan finds half-precision variances of.
    func present() throws -> [Bool] {
        try store.read { try $0.inclusionBlocks(of: .images).map { $0.halves != nil } }
    }

    @Test func fullBlocksHaveThemAndTheyAreThoseOfTheLogVariances() throws {
        #expect(try present() == [true, true, false])
        try vectors.environment.read { transaction in
            for block in 0..<2 {
                let stored = try vectors.rows(
                    .images, .halfVariances, block, count: 256, transaction, checkingSum: true)
                let logVariances = try vectors.rows(.images, .logVariances, block, count: 256, transaction)
                #expect(try Array(stored) == #require(HalfVariances.encode(logVariances: logVariances)))
            }
        }
        #expect(try store.verify().damages.isEmpty)
    }

    @Test func gaussiansAreReadBackInPlace() throws {
        try store.read { snapshot in
            for block in try snapshot.inclusionBlocks(of: .images) {
                for slot in [0, block.view.count - 1] {
                    #expect(block.gaussian(slot) == gaussians[256 * block.block.number + slot])
                }
            }
        }
    }

    @Test func pointsHaveNone() throws {
        let other = try TemporaryFolder()
        let points = gaussians.map { Gaussian(point: $0.mean) }
        let store = try SearcherTests.index(points, in: other)
        let blocks = try store.read { try $0.inclusionBlocks(of: .images).map { $0.halves == nil } }
        #expect(blocks == [true, true, true])
        let vectors = try VectorStore(path: other.file("index/vectors-1"), dimension: Self.dimension)
        #expect(try vectors.makeMissingHalves(.images, slots: 600) == 0, "none are missing")
    }

    @Test(arguments: DerivedColumnTests.Spoiling.allCases) func spoiled(how: DerivedColumnTests.Spoiling) throws {
        try vectors.environment.write { transaction in
            try transaction.put(key(0).bytes, how(Array(#require(try transaction.value(key(0).bytes)))))
        }
        #expect(try present() == [false, true, false])
        #expect(try vectors.makeMissingHalves(.images, slots: 600) == 1)
        #expect(try present() == [true, true, false])
        #expect(try store.verify().damages.isEmpty)
    }

    @Test func otherVariancesAndFlippedBitsAreFoundByVerify() throws {
        try vectors.environment.write { transaction in
            var value = Array(try #require(try transaction.value(key(0).bytes)))
            value[5_000] ^= 1
            try transaction.put(key(0).bytes, value)
            var logVariances = Array(try vectors.rows(.images, .logVariances, 1, count: 256, transaction))
            logVariances[2] ^= 0x40
            let rows = try #require(logVariances.withUnsafeBytes { HalfVariances.encode(logVariances: $0) })
            try transaction.put(
                key(1).bytes,
                GaussianCodec.value(
                    key(1), rows: rows, rowSize: Column.halfVariances.rowSize(dimension: Self.dimension),
                    derivation: HalfVariances.derivation))
        }
        #expect(
            try store.verify().damages.map(\.description) == [
                "block 0 of images, column halfVariances: the checksum does not match",
                "block 1 of images, column halfVariances: the variances are not those of its Gaussians",
            ])
    }

    @Test func optimizeMakesWhatAnOlderIndexLacks() throws {
        let writer = try IndexWriter(store)
        _ = try writer.optimize()
        #expect(try !writer.optimize().madeCodes)
        let name = try store.read { $0.state.vectors }
        let vectors = try VectorStore(path: folder.file("index/\(name)"), dimension: Self.dimension)
        _ = try vectors.environment.write { transaction in
            for block in 0..<2 { _ = try transaction.remove(key(block).bytes) }
        }
        #expect(try present() == [false, false, false])
        #expect(try store.verify().damages.isEmpty, "absent variances are no damage")
        #expect(try writer.optimize().madeCodes)
        #expect(try present() == [true, true, false])
        #expect(try store.verify().damages.isEmpty)
    }

    @Test func orphansOfAnInterruptedRunLeaveNoneBehind() throws {
        let writer = try IndexWriter(store)
        var generator = SeededGenerator(seed: 3)
        let orphans = (0..<300).map {
            (id: ItemID(rawValue: Int64(900 + $0)), gaussian: generator.gaussian(dimension: Self.dimension))
        }
        _ = try vectors.environment.write { try vectors.append(orphans, to: .images, after: 600, $0) }
        try SyntheticIndex.add([generator.gaussian(dimension: Self.dimension)], to: writer, firstName: 600)
        #expect(try present() == [true, true, false])
        #expect(try store.verify().damages.isEmpty)
    }
}
