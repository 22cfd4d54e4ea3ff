// A damaged index folder to a sound one: what can be read is kept, what is lost is named.
import Foundation
import GRDB
import Gaussians
import Glibc

/// An item whose vectors are lost.
public struct LostItem: Sendable, Equatable {
    /// The collection it was in.
    public let collection: Collection
    /// The path or the text, raw bytes.
    public let name: [UInt8]
    /// The name of the source it came from; nil for a scanned picture, which the next `index` encodes again.
    public let source: String?
    /// Whether that source is an import, and not a file of texts.
    public let isImported: Bool
}

/// What a repair did.
public struct RepairReport: Sendable, Equatable {
    /// Items that are there as before.
    public var kept = 0
    /// Items whose vectors were lost, and which are therefore no longer in the index.
    public var lost = 0
    /// What was wrong with the catalogue; nil where it was sound.
    public var catalogueDamage: String?
    /// Where the damaged files are; nil where none were left.
    public var keptFiles: String?
}

extension IndexStore {
    /// Rebuilds an index from what is sound.
    ///
    /// Of the vectors, every row counts that lies in a block whose checksum is right, and fits what the catalogue says of
    /// its item (`BlockScan`); a damaged column of ids or scalars costs nothing, both can be made anew. They are
    /// written to a new folder, and one transaction of the catalogue switches to it and drops the items that are lost.
    /// A damaged catalogue is read row by row first. What was damaged is kept.
    /// - Parameters:
    ///   - path: the index folder.
    ///   - lost: called with each item that is lost.
    /// - Returns: what was done.
    /// - Throws: `StorageError.beyondRepair`, `.noRoom`, `.diskFull`, `.busy`, `.newerFormat`; then nothing is changed.
    package static func repair(_ path: String, lost: (LostItem) -> Void) throws -> RepairReport {
        try requireIndex(path)
        let lock = try WriterLock(path: "\(path)/\(lockName)")
        return try withExtendedLifetime(lock) {
            try naming(path) {
                var repair = Repair(path: path)
                return try repair.run(lost)
            }
        }
    }
}

/// A repair in progress, under the writer lock.
private struct Repair {
    let path: String
    private let kept: String
    private var report = RepairReport()

    init(path: String) {
        self.path = path
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
        let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        kept = "\(path)/\(IndexFiles.keptPrefix)\(name)"
    }

    private var catalogue: String { "\(path)/\(IndexStore.catalogueName)" }

    mutating func run(_ lost: (LostItem) -> Void) throws -> RepairReport {
        var knowsUncertainty = true
        if let damage = try catalogueDamage() {
            report.catalogueDamage = damage
            knowsUncertainty = try recoverCatalogue()
        }
        let queue = try DatabaseQueue(path: catalogue, configuration: IndexStore.configuration)
        let state = try queue.read { try Catalogue.state($0, path: path) }
        try rebuild(queue, state, knowsUncertainty, lost)
        try keep(state.vectors)
        try queue.close()
        report.keptFiles = Entry(kept).exists ? kept : nil
        return report
    }

    // MARK: The catalogue

    /// What is wrong with the catalogue as a database, or nil.
    private func catalogueDamage() throws -> String? {
        do {
            let queue = try DatabaseQueue(path: catalogue, configuration: IndexStore.configuration)
            defer { try? queue.close() }
            return try queue.read { database in
                _ = try Catalogue.state(database, path: path)
                let migrator = Catalogue.migrator { _ in preconditionFailure("only asked what was done") }
                guard try migrator.hasCompletedMigrations(database) else { return "of an earlier version" }
                let flaws = try String.fetchAll(database, sql: "PRAGMA integrity_check(1)")
                if let flaw = flaws.first, flaw != "ok" { return flaw }
                return try Row.fetchOne(database, sql: "PRAGMA foreign_key_check") == nil
                    ? nil : "rows that refer to each other do not fit"
            }
        } catch let error as DatabaseError where Self.isDamage(error) {
            return error.message ?? "\(error.resultCode)"
        } catch StorageError.notAnIndex {
            return "it does not say what index it is"
        }
    }

    private static func isDamage(_ error: DatabaseError) -> Bool {
        [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR].contains(error.resultCode)
    }

    /// Reads a copy of the catalogue row by row, and puts what was read in its place.
    /// - Returns: whether the items' total variances are known.
    private func recoverCatalogue() throws -> Bool {
        let size = Entry(catalogue).size + Entry("\(catalogue)-wal").size
        try DiskSpace.require(3 * size + DiskSpace.margin, at: path)
        try makeKept()
        let copy = "\(kept)/\(IndexStore.catalogueName)"
        do {
            for suffix in ["", "-wal"] where Entry(catalogue + suffix).exists {
                try FileManager.default.copyItem(atPath: catalogue + suffix, toPath: copy + suffix)
                try IndexStore.sync(copy + suffix)
            }
            try IndexStore.sync(kept)
        } catch let error as CocoaError {
            throw StorageError.system(path: kept, operation: "copy", reason: error.localizedDescription)
        }
        // Read from yet another copy, which SQLite may change: what is kept stays as it was found.
        let scratch = try LeftoverFolder.make(beside: path)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let file = "\(scratch)/\(IndexStore.catalogueName)"
        for suffix in ["", "-wal"] where Entry(copy + suffix).exists {
            try FileManager.default.copyItem(atPath: copy + suffix, toPath: file + suffix)
        }
        let recovery: CatalogueRecovery
        do {
            recovery = try CatalogueRecovery(copy: file, path: path)
        } catch {
            _ = IndexFiles(kept).remove()  // nothing was changed, so nothing need be kept
            throw error
        }
        try replaceCatalogue(recovery.queue)
        return recovery.knowsUncertainty
    }

    /// SQLite's backup writes over the damaged pages in one transaction, which readers survive.
    ///
    /// Only where nothing of the file is a database any more it is made anew.
    private func replaceCatalogue(_ fresh: DatabaseQueue) throws {
        do {
            let queue = try DatabaseQueue(path: catalogue, configuration: IndexStore.configuration)
            try fresh.backup(to: queue)
            try queue.close()
        } catch let error as DatabaseError where Self.isDamage(error) {
            for suffix in ["-wal", "-shm", "-journal", ""] { unlink(catalogue + suffix) }
            try IndexStore.makeCatalogue(catalogue) { try fresh.backup(to: $0) }
        }
    }

    // MARK: The vectors

    private mutating func rebuild(
        _ queue: DatabaseQueue, _ state: IndexState, _ knowsUncertainty: Bool, _ lost: (LostItem) -> Void
    ) throws {
        let source = "\(path)/\(state.vectors)/data.mdb"
        try DiskSpace.require(Entry(source).size + 2 * Entry(catalogue).size + DiskSpace.margin, at: path)
        let scan = Entry(source).exists ? try BlockScan(file: source, dimension: state.dimension) : nil
        let name = VectorsFolder.next(in: path, after: state.vectors)
        let folder = "\(path)/\(name)"
        do {
            let target = try IndexStore.makeVectors(folder, state)
            var (rows, gone): ([Collection: Int], [Int64]) = ([:], [])
            try target.environment.syncingOnce {
                try queue.read { database in
                    for collection in Collection.allCases {
                        rows[collection] = try save(collection, scan, knowsUncertainty, target, &gone, lost, database)
                    }
                }
            }
            for path in [folder, path] { try IndexStore.sync(path) }
            try queue.write { database in
                let delete = try database.makeStatement(sql: "DELETE FROM item WHERE id = ?")
                for id in gone { try delete.execute(arguments: [id]) }
                try Catalogue.adopt(target, named: name, rows: rows, database)
                try database.execute(
                    sql: """
                        UPDATE state SET next_item_id = max(next_item_id, 1 + coalesce((SELECT max(id) FROM item), 0))
                        """)
            }
            report.kept = rows.values.reduce(0, +)
            report.lost = gone.count
        } catch {
            VectorsFolder.removeIfUnused(folder)
            throw error
        }
    }

    /// Writes the Gaussians of a collection that are there; the others' ids are added to `gone`.
    private func save(
        _ collection: Collection, _ scan: BlockScan?, _ knowsUncertainty: Bool, _ target: VectorStore,
        _ gone: inout [Int64], _ lost: (LostItem) -> Void, _ database: Database
    ) throws -> Int {
        var packer = BlockPacker(collection, into: target)
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT item.id, block, slot, total_variance, item.name, source.kind, source.name FROM item
                JOIN source ON source.id = item.source WHERE collection = ? ORDER BY item.id
                """,
            arguments: [collection.rawValue])
        while let row = try rows.next() {
            let item = PlacedItem(
                id: row[0], placement: Placement(block: row[1], slot: row[2]), totalVariance: row[3])
            let variance = knowsUncertainty ? item.totalVariance : nil
            if let gaussian = scan?.gaussian(collection, item, totalVariance: variance) {
                try packer.append(ItemID(rawValue: item.id), gaussian)
            } else {
                gone.append(item.id)
                let isScanned = row[5] == Source.Kind.scan.rawValue
                lost(
                    LostItem(
                        collection: collection, name: Array(row[4] as Data), source: isScanned ? nil : row[6],
                        isImported: (row[5] as String) == Source.Kind.imported.rawValue))
            }
        }
        try packer.finish()
        return packer.count
    }

    // MARK: What was damaged

    private func makeKept() throws {
        guard mkdir(kept, 0o700) == 0 || errno == EEXIST else { throw StorageError.lmdb(errno, "create", kept) }
    }

    /// Puts the old vectors where they are kept.
    private func keep(_ vectors: String) throws {
        guard Entry("\(path)/\(vectors)").exists else { return }
        try makeKept()
        guard rename("\(path)/\(vectors)", "\(kept)/\(vectors)") == 0 else {
            throw StorageError.lmdb(errno, "keep", "\(path)/\(vectors)")
        }
        for folder in [kept, path] { try IndexStore.sync(folder) }
    }
}
