// Damages of an index folder to the words of its verification.
import Foundation
import class GRDB.DatabaseQueue
import Gaussians
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
}
