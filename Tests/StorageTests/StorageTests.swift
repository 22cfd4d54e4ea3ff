// Blocks, commits and recovery of an index folder.
import CKernels
import Foundation
import Gaussians
import Storage
import TestSupport
import Testing

@Suite struct StorageTests {
    let folder: TemporaryFolder
    var path: String { folder.file("index") }

    init() throws { folder = try TemporaryFolder() }

    /// Every live image by name: id and Gaussian.
    func content(_ store: IndexStore) throws -> [String: (ItemID, Gaussian)] {
        try store.read { snapshot in
            var content: [String: (ItemID, Gaussian)] = [:]
            try Catalogue.forEachItem(.images, .scan, snapshot.database) { item in
                content[String(decoding: item.name, as: UTF8.self)] = (
                    item.id, try snapshot.gaussian(.images, at: item.placement)
                )
            }
            return content
        }
    }

    @Test(arguments: [1, 32, 192]) func whatIsCommittedComesBackBitForBit(dimension: Int) throws {
        var generator = SeededGenerator(seed: 1)
        let store = try IndexStore.create(at: path, SyntheticIndex.state(dimension: dimension))
        let writer = try IndexWriter(store)
        var all: [Gaussian] = []
        for size in [1, 7, 255, 256, 3, 600] {  // tails are rewritten, blocks are crossed
            let gaussians = (0..<size).map { _ in generator.gaussian(dimension: dimension) }
            try SyntheticIndex.add(gaussians, to: writer, firstName: all.count)
            all += gaussians
        }
        let content = try content(IndexStore(path: path))
        #expect(content.count == all.count)
        for (index, gaussian) in all.enumerated() {
            #expect(content["\(index)"]?.0 == ItemID(rawValue: Int64(index + 1)))
            #expect(content["\(index)"]?.1 == gaussian)
        }
    }

    @Test func scansReadAlignedRowsInPlace() throws {
        var generator = SeededGenerator(seed: 2)
        let store = try IndexStore.create(at: path, SyntheticIndex.state(dimension: 5))
        let writer = try IndexWriter(store)
        let gaussians = (0..<300).map { _ in generator.gaussian(dimension: 5) }
        try SyntheticIndex.add(gaussians, to: writer)
        try store.read { snapshot in
            var seen = 0
            try snapshot.forEachBlock(in: .images) { block in
                #expect(Int(bitPattern: block.means) % 64 == 0)
                #expect(Int(bitPattern: block.scalars) % 64 == 0)
                for slot in 0..<block.count {
                    let gaussian = gaussians[seen]
                    #expect(block.ids[slot] == UInt64(seen + 1))
                    #expect(Array(UnsafeBufferPointer(start: block.means + slot * 5, count: 5)) == gaussian.mean)
                    #expect(block.scalars[2 * slot] == gaussian.squaredNorm)
                    #expect(block.scalars[2 * slot + 1] == gaussian.totalVariance)
                    seen += 1
                }
            }
            #expect(seen == 300)
        }
    }

    @Test func removalsClearBitsAndIdsAreNeverReused() throws {
        var generator = SeededGenerator(seed: 3)
        let store = try IndexStore.create(at: path, SyntheticIndex.state(dimension: 4))
        let writer = try IndexWriter(store)
        try SyntheticIndex.add((0..<10).map { _ in generator.gaussian(dimension: 4) }, to: writer)
        var batch = Batch()
        batch.removals = [ItemID(rawValue: 10), ItemID(rawValue: 3)]
        try writer.commit(batch)
        try SyntheticIndex.add([generator.gaussian(dimension: 4)], to: writer, firstName: 10)
        let content = try content(store)
        #expect(content.count == 9)
        #expect(content["2"] == nil && content["9"] == nil)
        #expect(content["10"]?.0 == ItemID(rawValue: 11))
        try store.read { snapshot in
            #expect(try snapshot.count(.images) == 9)
            #expect(snapshot.state.generation == 3)
            try snapshot.forEachBlock(in: .images) { block in
                #expect(block.count == 11)
                #expect((0..<11).filter { block.live[$0] } == [0, 1, 3, 4, 5, 6, 7, 8, 10])
            }
        }
    }

    @Test func copiesShareTheGaussian() throws {
        var generator = SeededGenerator(seed: 4)
        let store = try IndexStore.create(at: path, SyntheticIndex.state(dimension: 6))
        let writer = try IndexWriter(store)
        let original = generator.gaussian(dimension: 6)
        try SyntheticIndex.add([original], to: writer)
        var batch = Batch()
        batch.additions = [NewItem(name: Array("copy".utf8), file: nil, vector: .copy(of: ItemID(rawValue: 1)))]
        try writer.commit(batch)
        #expect(try content(store)["copy"]?.1 == original)
    }

    @Test func rowsBeyondTheCatalogueAreInvisibleAndOverwritten() throws {
        var generator = SeededGenerator(seed: 5)
        let store = try IndexStore.create(at: path, SyntheticIndex.state(dimension: 4))
        let kept = (0..<3).map { _ in generator.gaussian(dimension: 4) }
        do {
            let writer = try IndexWriter(store)
            try SyntheticIndex.add(kept, to: writer)
        }
        // What a process leaves that dies between the two commits: rows in LMDB that SQLite does not know.
        let vectors = try VectorStore(path: "\(path)/vectors-1", dimension: 4)
        let orphans = (0..<600).map {
            (id: ItemID(rawValue: Int64(900 + $0)), gaussian: generator.gaussian(dimension: 4))
        }
        _ = try vectors.environment.write { try vectors.append(orphans, to: .images, after: 3, $0) }
        #expect(try content(store).count == 3)
        let writer = try IndexWriter(store)
        #expect(writer.orphanedBlocks == 2)
        let added = generator.gaussian(dimension: 4)
        try SyntheticIndex.add([added], to: writer, firstName: 3)
        let content = try content(store)
        #expect(content.count == 4)
        #expect(content["3"]?.1 == added)
        #expect(content["0"]?.1 == kept[0])
    }

    @Test func aSecondWriterIsToldWhoIsBusy() throws {
        let store = try IndexStore.create(at: path, SyntheticIndex.state(dimension: 4))
        let writer = try IndexWriter(store)
        #expect(throws: StorageError.busy(process: getpid())) { try IndexWriter(store) }
        withExtendedLifetime(writer) {}
    }

    @Test func readersKeepTheirGenerationWhileAWriterCommits() throws {
        var generator = SeededGenerator(seed: 6)
        let store = try IndexStore.create(at: path, SyntheticIndex.state(dimension: 4))
        let writer = try IndexWriter(store)
        try SyntheticIndex.add((0..<5).map { _ in generator.gaussian(dimension: 4) }, to: writer)
        let reader = try IndexStore(path: path)
        try reader.read { snapshot in
            let before = try snapshot.count(.images)
            try SyntheticIndex.add((0..<5).map { _ in generator.gaussian(dimension: 4) }, to: writer, firstName: 5)
            #expect(try snapshot.count(.images) == before)
            try snapshot.forEachBlock(in: .images) { #expect($0.count == 5) }
        }
        #expect(try reader.read { try $0.count(.images) } == 10)
    }

    @Test func foreignOrMissingOrNewerIndexesAreRefusedByName() throws {
        #expect(throws: StorageError.notAnIndex(path: path)) { try IndexStore(path: path) }
        let store = try IndexStore.create(at: path, SyntheticIndex.state(dimension: 4))
        #expect(throws: StorageError.exists(path: path)) {
            try IndexStore.create(at: path, SyntheticIndex.state(dimension: 4))
        }
        let other = folder.file("other")
        _ = try IndexStore.create(at: other, SyntheticIndex.state(dimension: 4))
        try FileManager.default.removeItem(atPath: "\(path)/vectors-1")
        try FileManager.default.moveItem(atPath: "\(other)/vectors-1", toPath: "\(path)/vectors-1")
        let error = #expect(throws: StorageError.self) { try store.read { _ in } }
        guard case .foreignVectors = error else {
            Issue.record("expected foreign vectors, got \(String(describing: error))")
            return
        }
    }

    @Test func aTruncatedVectorFileIsRefusedNotRead() throws {
        var generator = SeededGenerator(seed: 7)
        do {
            let store = try IndexStore.create(at: path, SyntheticIndex.state(dimension: 64))
            let writer = try IndexWriter(store)
            try SyntheticIndex.add((0..<300).map { _ in generator.gaussian(dimension: 64) }, to: writer)
        }
        let file = "\(path)/vectors-1/data.mdb"
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
        truncate(file, size / 2)
        let error = #expect(throws: StorageError.self) { try IndexStore(path: path).read { _ in } }
        guard case .truncated = error else {
            Issue.record("expected truncated, got \(String(describing: error))")
            return
        }
    }

    @Test func permissionsArePrivate() throws {
        _ = try IndexStore.create(at: path, SyntheticIndex.state(dimension: 4))
        for (name, mode) in [
            ("", 0o700), ("/catalog.sqlite", 0o600), ("/vectors-1", 0o700), ("/vectors-1/data.mdb", 0o600),
        ] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + name)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode, "\(name)")
        }
    }

    @Test func everyFlippedByteOfABlockIsNoticed() throws {
        var generator = SeededGenerator(seed: 8)
        let key = BlockKey(.images, .means, 3)
        let rows = (0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let value = GaussianCodec.value(key, rows: rows, rowSize: 16)
        #expect(value.count == GaussianCodec.minimumSize)
        for index in 0..<(GaussianCodec.headerSize + rows.count) {
            var damaged = value
            damaged[index] ^= 0x10
            _ = damaged.withUnsafeBytes { bytes in
                #expect(throws: StorageError.self, "byte \(index)") {
                    try GaussianCodec.rows(bytes, key, rowSize: 16, path: "x", checkingSum: true)
                }
            }
        }
        value.withUnsafeBytes { bytes in
            #expect(
                (try? GaussianCodec.rows(bytes, key, rowSize: 16, path: "x", checkingSum: true)).map(Array.init) == rows
            )
        }
    }
}
