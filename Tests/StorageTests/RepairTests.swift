// Damages of an index folder to what a repair saves of it.
import Foundation
import class GRDB.DatabaseQueue
import Gaussians
import Glibc
import Storage
import TestSupport
import Testing

@Suite struct RepairTests {
    let folder: TemporaryFolder
    let path: String
    let count = 1_000
    let dimension = 24

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("index")
        try SyntheticIndex.make(at: path, count: 1_000, dimension: 24, removing: { $0 % 10 == 0 })
    }

    var data: String { "\(path)/vectors-1/data.mdb" }

    /// Changes a file's bytes in place.
    func damage(_ file: String, _ change: (inout Data) throws -> Void) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        try change(&bytes)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: bytes)
        try handle.close()
    }

    /// Where a value's rows begin; every version of it.
    func rows(of column: Column, _ block: Int, in data: Data) -> [Int] {
        let key = BlockKey(.images, column, block)
        let header = Data(GaussianCodec.value(key, rows: [], rowSize: column.rowSize(dimension: dimension))[0..<12])
        var found: [Int] = []
        var start = data.startIndex
        while let range = data.range(of: header, in: start..<data.endIndex) {
            found.append(range.lowerBound + GaussianCodec.headerSize)
            start = range.upperBound
        }
        return found
    }

    /// Repairs, and checks that what is left is sound and as it was.
    func repair(_ before: [String: (id: ItemID, gaussian: Gaussian)]) throws -> (RepairReport, lost: Set<String>) {
        var lost: Set<String> = []
        let report = try IndexStore.repair(path) { lost.insert(String(decoding: $0.name, as: UTF8.self)) }
        let after = try SyntheticIndex.content(IndexStore(path: path))
        #expect(try IndexStore(path: path).verify().damages.isEmpty)
        #expect(report.kept == after.count && report.lost == lost.count)
        for (name, item) in after { #expect(before[name]?.id == item.id && before[name]?.gaussian == item.gaussian) }
        #expect(Set(after.keys).union(lost) == Set(before.keys) && lost.isDisjoint(with: after.keys))
        if let kept = report.keptFiles { #expect(FileManager.default.fileExists(atPath: kept)) }
        // Goes on as an index does.
        var generator = SeededGenerator(seed: 77)
        try SyntheticIndex.add(
            [generator.gaussian(dimension: dimension)], to: IndexWriter(IndexStore(path: path)), firstName: 7_000)
        #expect(try IndexStore(path: path).verify().damages.isEmpty)
        return (report, lost)
    }

    /// Names of items in a block; item `n` has the name `n - 1`.
    func names(_ block: Int) -> Set<String> {
        Set((block * 256..<min(block * 256 + 256, count)).filter { ($0 + 1) % 10 != 0 }.map { "\($0)" })
    }

    @Test(arguments: Column.stored, [0, 3]) func aDamagedColumnCostsAtMostItsBlock(column: Column, block: Int) throws {
        let before = try SyntheticIndex.content(IndexStore(path: path))
        try damage(data) { bytes in
            for offset in rows(of: column, block, in: bytes) { bytes[offset + 70] ^= 0x20 }
        }
        #expect(!(try IndexStore(path: path).verify().damages.isEmpty))
        let (_, lost) = try repair(before)
        // Ids are in the catalogue too, scalars follow from means and log variances.
        #expect(lost == (column == .ids || column == .scalars ? [] : names(block)))
    }

    @Test(arguments: [0.1, 0.4, 0.7, 0.95]) func aTruncatedFileKeepsItsFirstBlocks(share: Double) throws {
        let before = try SyntheticIndex.content(IndexStore(path: path))
        let size = try FileManager.default.attributesOfItem(atPath: data)[.size] as? Int ?? 0
        try damage(data) { $0 = $0.prefix(Int(share * Double(size))) }
        let damages = try IndexStore(path: path).verify().damages.map(\.description)
        #expect(
            damages.contains { $0.hasPrefix("the vectors: ") && $0.contains("truncated") }, "\(damages.first ?? "")")
        let (_, lost) = try repair(before)
        // The codes of a batch lie behind its vectors: the last pages hold what no item needs.
        #expect(lost.isEmpty == (share > 0.6))
        #expect(damages.contains { $0.hasPrefix("block ") && $0.contains("of images, column ") } == !lost.isEmpty)
    }

    @Test func bothMetaPagesGoneLosesNothing() throws {
        let before = try SyntheticIndex.content(IndexStore(path: path))
        try damage(data) { $0.replaceSubrange(0..<8_192, with: Data(count: 8_192)) }
        #expect(!(try IndexStore(path: path).verify().damages.isEmpty))
        #expect(try repair(before).lost.isEmpty)
    }

    @Test(arguments: ["vectors-1/data.mdb", "vectors-1"]) func missingVectorsAreEncodedAgain(_ name: String) throws {
        let before = try SyntheticIndex.content(IndexStore(path: path))
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
        let (report, lost) = try repair(before)
        #expect(report.kept == 0 && lost.count == before.count)
    }

    @Test func contradictionsBetweenTheStores() throws {
        let before = try SyntheticIndex.content(IndexStore(path: path))
        let queue = try DatabaseQueue(path: "\(path)/catalog.sqlite")
        try queue.write { database in
            try database.execute(sql: "DELETE FROM item WHERE id = 7")  // a live bit without an item
            try database.execute(sql: "UPDATE item SET slot = 255 WHERE id = 9")  // an item where another lies
            try database.execute(sql: "UPDATE item SET total_variance = 1 WHERE id = 11")  // not its vectors
            try database.execute(sql: "UPDATE item SET block = 90 WHERE id = 301")  // nowhere
            try database.execute(sql: "UPDATE block SET live = zeroblob(32) WHERE number = 1")
            try database.execute(sql: "DELETE FROM block WHERE number = 2")
            try database.execute(sql: "UPDATE state SET next_item_id = 3")
        }
        try queue.close()
        #expect(try IndexStore(path: path).verify().damages.count > 256)
        let (_, lost) = try repair(before.filter { $0.key != "6" })
        #expect(lost == ["8", "10", "300"])
    }

    @Test func rowsOfAnInterruptedRunAreNotTakenForItems() throws {
        // Two versions of the tail: one that was never committed, with the same ids, and the one that was.
        let before = try SyntheticIndex.content(IndexStore(path: path))
        var generator = SeededGenerator(seed: 99)
        var columns: [Column: [UInt8]] = [:]
        for id in 769...1_000 {
            GaussianCodec.append(ItemID(rawValue: Int64(id)), generator.gaussian(dimension: 24), to: &columns)
        }
        try damage(data) { bytes in
            for column in Column.stored {
                let key = BlockKey(.images, column, 3)
                let stale = GaussianCodec.value(
                    key, rows: columns[column] ?? [], rowSize: column.rowSize(dimension: 24))
                let pages = (stale.count + 16 + 4_095) / 4_096
                bytes += Data(count: 16) + Data(stale) + Data(count: pages * 4_096 - 16 - stale.count)
            }
            for offset in rows(of: .means, 1, in: bytes) { bytes[offset] ^= 1 }
        }
        #expect(try repair(before).lost == names(1))
    }

    @Test func importedItemsAreNamedWithTheirSource() throws {
        var generator = SeededGenerator(seed: 5)
        var batch = Batch()
        batch.collection = .texts
        batch.source = Source(kind: .imported, name: "gpu")
        batch.additions = [
            NewItem(name: Array("a dog".utf8), file: nil, vector: .gaussian(generator.gaussian(dimension: dimension)))
        ]
        try IndexWriter(IndexStore(path: path)).commit(batch)
        try FileManager.default.removeItem(atPath: data)
        var lost: [LostItem] = []
        _ = try IndexStore.repair(path) { lost.append($0) }
        #expect(lost.count(where: { $0.source == nil }) == 900)
        let last = try #require(lost.last)
        #expect(last.collection == .texts && last.name == Array("a dog".utf8) && last.source == "gpu")
    }

    @Test func aDamagedCatalogueIsReadRowByRow() throws {
        let before = try SyntheticIndex.content(IndexStore(path: path))
        let file = "\(path)/catalog.sqlite"
        // One leaf of the items' table, in the middle.
        let queue = try DatabaseQueue(path: file)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try queue.close()
        let page = try #require(
            try Program.output(
                "/usr/bin/sqlite3",
                [file, "SELECT pageno FROM dbstat WHERE name='item' AND pagetype='leaf' AND path LIKE '/005%' LIMIT 1"]
            )
            .flatMap { Int($0) })
        try damage(file) {
            $0.replaceSubrange((page - 1) * 4_096..<page * 4_096, with: Data(repeating: 0xAA, count: 4_096))
        }
        var lost = 0
        let report = try IndexStore.repair(path) { _ in lost += 1 }
        #expect(report.catalogueDamage != nil && lost == 0)
        let after = try SyntheticIndex.content(IndexStore(path: path))
        #expect(
            after.count < before.count && after.count > before.count - 200, "a leaf's items are lost: \(after.count)")
        for (name, item) in after { #expect(before[name]?.id == item.id && before[name]?.gaussian == item.gaussian) }
        #expect(try IndexStore(path: path).verify().damages.isEmpty)
        #expect(FileManager.default.fileExists(atPath: "\(report.keptFiles ?? "")/catalog.sqlite"))
    }

    @Test func aCatalogueWithoutItsFirstBytesIsMended() throws {
        let before = try SyntheticIndex.content(IndexStore(path: path))
        let queue = try DatabaseQueue(path: "\(path)/catalog.sqlite")
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try queue.close()
        try damage("\(path)/catalog.sqlite") { $0[3] ^= 0x40 }
        let error = #expect(throws: StorageError.self) { try IndexStore(path: path) }
        #expect(error.map { "\($0)" }?.contains("penumbra repair") == true)
        #expect(try repair(before).lost.isEmpty)
    }

    @Test func aCatalogueBeyondRepairIsLeftAsItIs() throws {
        try damage("\(path)/catalog.sqlite") { $0 = Data(repeating: 0x11, count: $0.count) }
        unlink("\(path)/catalog.sqlite-wal")
        let before = try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
        let error = #expect(throws: StorageError.self) { try IndexStore.repair(path) { _ in } }
        guard case .beyondRepair = error else {
            Issue.record("expected beyond repair, got \(String(describing: error))")
            return
        }
        let after = try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
        #expect(
            Set(after).subtracting(before).isSubset(of: ["writer.lock", "catalog.sqlite-wal", "catalog.sqlite-shm"]))
    }
}

/// Another program's output.
enum Program {
    static func output(_ program: String, _ arguments: [String]) throws -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }
}
