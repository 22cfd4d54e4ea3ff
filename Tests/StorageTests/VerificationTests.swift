// Damages of an index folder to the words of its verification.
import Foundation
import class GRDB.DatabaseQueue
import Gaussians
import Glibc
import Storage
import TestSupport
import Testing

@Suite struct VerificationTests {
    let folder: TemporaryFolder
    let path: String
    let dimension = 64

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("index")
        var generator = SeededGenerator(seed: 21)
        let store = try IndexStore.create(at: path, SyntheticIndex.state(dimension: dimension))
        let writer = try IndexWriter(store)
        try SyntheticIndex.add((0..<600).map { _ in generator.gaussian(dimension: 64) }, to: writer)
        var batch = Batch()
        batch.removals = [ItemID(rawValue: 5), ItemID(rawValue: 300)]
        try writer.commit(batch)
    }

    func verify() throws -> VerificationReport { try IndexStore(path: path).verify() }

    @Test func aSoundIndexIsSound() throws {
        let report = try verify()
        #expect(report.items == 598 && report.blocks == 3 && report.damages.isEmpty)
    }

    /// Where the rows of a value begin in `data.mdb`: found by the header that stands before them.
    func rows(of key: BlockKey, in data: Data) throws -> Int {
        let value = GaussianCodec.value(key, rows: [], rowSize: key.column.rowSize(dimension: dimension))
        let wanted = Data(value[0..<12])  // magic, format, column, collection, block
        let found = try #require(data.range(of: wanted, options: .backwards))
        return found.lowerBound + GaussianCodec.headerSize
    }

    /// The tail block has no codes.
    static let places =
        Column.stored.flatMap { column in (0...2).map { (column, $0) } }
        + Column.derived.flatMap { column in (0...1).map { (column, $0) } }

    @Test(arguments: places) func oneFlippedByteNamesItsBlock(column: Column, block: Int) throws {
        let file = URL(fileURLWithPath: "\(path)/vectors-1/data.mdb")
        var data = try Data(contentsOf: file)
        data[try rows(of: BlockKey(.images, column, block), in: data) + 77] ^= 0x04
        try data.write(to: file)
        let damages = try verify().damages
        #expect(
            damages.map(\.description) == ["block \(block) of images, column \(column): the checksum does not match"])
    }

    @Test func theCatalogueIsComparedWithTheVectors() throws {
        let queue = try DatabaseQueue(path: "\(path)/catalog.sqlite")
        try queue.write { database in
            try database.execute(sql: "DELETE FROM item WHERE id = 7")
            try database.execute(sql: "UPDATE item SET slot = 4 WHERE id = 9")
            try database.execute(sql: "UPDATE block SET count = 200 WHERE number = 2")
        }
        try queue.close()
        let damages = try verify().damages.map(\.description)
        #expect(damages.contains("block 0 of images: slot 6 is live and no item of the catalogue is there"))
        #expect(damages.contains("block 0 of images: item 9 lies in slot 4, which is dead"))
        #expect(damages.contains("block 0 of images: slot 4 holds item 5, the catalogue says 9"))
        #expect(damages.contains { $0.hasPrefix("block 2 of images, column ids: 88 rows, the catalogue promises 200") })
    }

    @Test func vectorsThatAreNoneAreNamed() throws {
        let store = try IndexStore(path: path)
        let writer = try IndexWriter(store)
        let nan = Gaussian(mean: [Float](repeating: .nan, count: 64), logVariance: [Float](repeating: -9, count: 64))
        let long = Gaussian(mean: [Float](repeating: 1, count: 64), logVariance: [Float](repeating: -9, count: 64))
        try SyntheticIndex.add([nan, long], to: writer, firstName: 600)
        #expect(
            try verify().damages.map(\.description) == [
                "block 2 of images, item 601: a number of its Gaussian is not finite",
                "block 2 of images, item 602: its mean has length 8.0, not 1",
            ])
    }

    /// Every class of bytes of a value: each field of the header, rows, padding, and the header of its first page.
    @Test(arguments: Column.stored, [0, 2]) func everyClassOfBytesNamesItsBlock(column: Column, block: Int) throws {
        let file = "\(path)/vectors-1/data.mdb"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let rows = try rows(of: BlockKey(.images, column, block), in: bytes)
        let size = (block == 2 ? 88 : 256) * column.rowSize(dimension: dimension)
        let descriptor = open(file, O_RDWR)
        defer { close(descriptor) }
        // magic, format, column, collection, block, rows, row size, checksum, zeros; first, middle and last row byte
        var offsets =
            [0, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 19, 20, 23, 24, 47].map { $0 - 48 } + [0, size / 2, size - 1]
        if size + 48 < 4_096 { offsets += [size, 4_095 - 48] }
        offsets += [-64, -57, -54, -53, -52, -49]  // the page: its number, flags, and number of pages
        for offset in offsets {
            for bit in [UInt8(1), 0x80] {
                var byte = bytes[rows + offset] ^ bit
                #expect(pwrite(descriptor, &byte, 1, off_t(rows + offset)) == 1)
                let damages = try verify().damages.map(\.description)
                #expect(
                    damages.contains { $0.hasPrefix("block \(block) of images, column \(column): ") },
                    "byte \(offset), bit \(bit): \(damages)")
                byte ^= bit
                #expect(pwrite(descriptor, &byte, 1, off_t(rows + offset)) == 1)
            }
        }
        #expect(try verify().damages.isEmpty)
    }

    @Test func pointsAndGaussiansDoNotMix() throws {
        let point = Gaussian(point: [1] + [Float](repeating: 0, count: 63))
        try SyntheticIndex.add([point], to: IndexWriter(IndexStore(path: path)), firstName: 600)
        #expect(
            try verify().damages.map(\.description)
                == ["block 2 of images, item 601: it is a point among Gaussians with a variance"])
    }

    @Test func theUncertaintyOfTheCatalogueIsThatOfTheVectors() throws {
        let queue = try DatabaseQueue(path: "\(path)/catalog.sqlite")
        // Another version of the program, on another machine, may have summed to another last bit.
        try queue.write { try $0.execute(sql: "UPDATE item SET total_variance = total_variance * (1 + 4e-16)") }
        #expect(try verify().damages.isEmpty)
        try queue.write { try $0.execute(sql: "UPDATE item SET total_variance = total_variance + 1e-9 WHERE id = 77") }
        try queue.close()
        let damages = try verify().damages.map(\.description)
        #expect(damages.count == 1 && damages[0].hasPrefix("block 0 of images, item 77: its total variance is 0.00"))
    }

    /// What a run that is killed between its two commits leaves is no damage.
    @Test func orphansAreANotice() throws {
        let queue = try DatabaseQueue(path: "\(path)/catalog.sqlite")
        try queue.write { database in
            try database.execute(sql: "DELETE FROM item WHERE block = 2 OR (block = 1 AND slot >= 250)")
            try database.execute(sql: "DELETE FROM block WHERE number = 2")
            try database.execute(sql: "UPDATE block SET count = 250 WHERE number = 1")
            try database.execute(
                sql: "UPDATE block SET live = CAST(substr(live, 1, 31) || x'03' AS BLOB) WHERE number = 1")
        }
        try queue.close()
        let report = try verify()
        #expect(report.damages.isEmpty && report.items == 504, "\(report.damages)")
        #expect(
            report.notices == [
                "1 blocks of images beyond the catalogue: of a run that goes on, or was interrupted",
                "6 rows of images beyond the catalogue: of a run that goes on, or was interrupted",
            ])
        #expect(try IndexWriter(IndexStore(path: path)).orphanedBlocks == 1)
        #expect(try verify().notices.count == 1)
    }
}
