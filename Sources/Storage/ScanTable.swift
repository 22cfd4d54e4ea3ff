// What one scan found and still has to do, in a private database: memory does not grow with the number of files.
import Foundation
import GRDB

/// A file as a scan saw it.
package struct ScannedFile: Sendable, Equatable {
    /// The path below the root, raw bytes.
    package var path: [UInt8]
    package var size: Int
    /// Nanoseconds since 1970.
    package var modified: Int
    package var changed: Int

    package init(path: [UInt8], size: Int, modified: Int, changed: Int) {
        self.path = path
        self.size = size
        self.modified = modified
        self.changed = changed
    }
}

/// How a folder was found.
package enum ScannedFolder: Int, Sendable {
    /// Read to its end.
    case complete = 0
    /// Read, and empty: it may be an unmounted disk.
    case empty = 1
    /// Not read to its end, or skipped.
    case unknown = 2
}

/// A file to be read, numbered in path order.
package struct PendingRow: Sendable {
    package var number: Int
    package var file: ScannedFile
    /// The item of the same path, whose content may have changed.
    package var previous: ItemID?
}

/// A file whose content is stored already, to be settled when everything else is.
package struct KnownRow: Sendable {
    package var number: Int
    package var file: ScannedFile
    package var previous: ItemID?
    package var hash: [UInt8]
    package var picture: PictureRecord
}

/// Why an item whose file was not found is kept all the same.
package enum Protection: Int, Sendable {
    /// Its folder is empty.
    case emptied = 1
    /// Its folder is gone.
    case vanished = 2
    /// Its folder lies on another device than it did.
    case moved = 3
}

/// The tables of one scan, in a database of SQLite's own that lies in the system's temporary folder and has no name.
///
/// Functions that take a `Database` run inside `access`.
package final class ScanTable: Sendable {
    /// A connection inside `access`.
    package typealias Access = Database

    private let queue: DatabaseQueue

    /// Makes empty tables.
    /// - Throws: `StorageError` when there is no room for temporary files.
    package init() throws {
        var configuration = Configuration()
        configuration.prepareDatabase {
            try $0.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -512")
        }
        queue = try IndexStore.naming("temporary folder") { [configuration] in
            let queue = try DatabaseQueue(path: "", configuration: configuration)
            try queue.inDatabase { try $0.execute(sql: Self.schema) }
            return queue
        }
    }

    private static let schema = """
        CREATE TABLE found (path BLOB NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL, changed INTEGER NOT NULL);
        CREATE TABLE refused (path BLOB PRIMARY KEY, reason TEXT NOT NULL, is_link INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE folder (
            path BLOB PRIMARY KEY, state INTEGER NOT NULL, device INTEGER NOT NULL, holds INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE pending (
            number INTEGER PRIMARY KEY, path BLOB NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
            changed INTEGER NOT NULL, previous INTEGER);
        CREATE TABLE known (
            number INTEGER PRIMARY KEY, path BLOB NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
            changed INTEGER NOT NULL, previous INTEGER, hash BLOB NOT NULL, orientation INTEGER NOT NULL, taken TEXT,
            taken_offset INTEGER);
        CREATE TABLE missing (item INTEGER PRIMARY KEY, hash BLOB, protection INTEGER, folder BLOB);
        CREATE INDEX missing_hash ON missing (hash);
        """

    /// Runs `body` on the tables.
    /// - Throws: `StorageError`, or what `body` throws.
    package func access<T>(_ body: (Database) throws -> T) throws -> T {
        try IndexStore.naming("temporary folder") { try queue.inDatabase(body) }
    }

    // MARK: What the walk found

    package static func add(_ files: [ScannedFile], _ database: Database) throws {
        let insert = try database.cachedStatement(sql: "INSERT INTO found VALUES (?, ?, ?, ?)")
        for file in files {
            try insert.execute(arguments: [Data(file.path), file.size, file.modified, file.changed])
        }
    }

    /// Notes a folder; `holds` says whether it holds files to index.
    package static func add(
        folder: [UInt8], _ state: ScannedFolder, device: Int, holds: Bool, _ database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO folder VALUES (?, ?, ?, ?)
                ON CONFLICT (path) DO UPDATE SET state = max(state, excluded.state), holds = max(holds, excluded.holds)
                """
        ).execute(arguments: [Data(folder), state.rawValue, device, holds])
    }

    package static func addRefused(_ path: [UInt8], reason: String, isLink: Bool, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO refused VALUES (?, ?, ?)")
            .execute(arguments: [Data(path), reason, isLink])
    }

    /// Sorts what was found; call it when the walk is over.
    package static func finishWalk(_ database: Database) throws {
        try database.execute(sql: "CREATE INDEX found_path ON found (path)")
    }

    /// The file of a path, if it was found.
    package static func file(_ path: [UInt8], _ database: Database) throws -> ScannedFile? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT path, size, modified, changed FROM found WHERE path = ?"),
            arguments: [Data(path)]
        ).map(file)
    }

    /// How a folder was found and on which device, or nil where the walk did not come by.
    package static func folder(_ path: [UInt8], _ database: Database) throws -> (ScannedFolder, device: Int)? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT state, device FROM folder WHERE path = ?"), arguments: [Data(path)]
        ).map { (ScannedFolder(rawValue: $0[0]) ?? .unknown, $0[1]) }
    }

    package static func refusal(of path: [UInt8], _ database: Database) throws -> (reason: String, isLink: Bool)? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT reason, is_link FROM refused WHERE path = ?"),
            arguments: [Data(path)]
        ).map { ($0[0], $0[1]) }
    }

    package static func forEachRefused(
        _ database: Database, _ body: (_ path: [UInt8], _ reason: String) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(database, sql: "SELECT path, reason FROM refused ORDER BY path")
        while let row = try rows.next() { try body(Array(row[0] as Data), row[1]) }
    }

    /// Files found and items of the scan, side by side in path order.
    /// - Parameters:
    ///   - database: of the scan.
    ///   - catalogue: of the index.
    ///   - body: is handed one path: the file, the item, or both.
    /// - Throws: what `body` throws; `DatabaseError`.
    package static func forEachPath(
        _ database: Database, _ catalogue: Database, _ body: (ScannedFile?, ItemRecord?) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(
            database, sql: "SELECT path, size, modified, changed FROM found ORDER BY path")
        func nextFile() throws -> ScannedFile? { try rows.next().map(file) }
        var next = try nextFile()
        try Catalogue.forEachItem(.images, .scan, catalogue) { item in
            while let file = next, file.path.lexicographicallyPrecedes(item.name) {
                try body(file, nil)
                next = try nextFile()
            }
            if let file = next, file.path == item.name {
                try body(file, item)
                next = try nextFile()
            } else {
                try body(nil, item)
            }
        }
        while let file = next {
            try body(file, nil)
            next = try nextFile()
        }
    }

    private static func file(_ row: Row) -> ScannedFile {
        ScannedFile(path: Array(row[0] as Data), size: row[1], modified: row[2], changed: row[3])
    }

    // MARK: What is to be read

    package static func addPending(_ file: ScannedFile, previous: ItemID?, _ database: Database) throws {
        try database.cachedStatement(
            sql: "INSERT INTO pending (path, size, modified, changed, previous) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [Data(file.path), file.size, file.modified, file.changed, previous?.rawValue])
    }

    package static func pendingCount(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM pending") ?? 0
    }

    /// The next files to read behind a number, in order.
    package static func pending(after number: Int, limit: Int, _ database: Database) throws -> [PendingRow] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT path, size, modified, changed, previous, number FROM pending WHERE number > ?
                    ORDER BY number LIMIT ?
                    """), arguments: [number, limit]
        ).map { row in
            PendingRow(number: row[5], file: file(row), previous: (row[4] as Int64?).map(ItemID.init(rawValue:)))
        }
    }

    // MARK: What is stored already

    package static func addKnown(
        _ file: ScannedFile, previous: ItemID?, hash: [UInt8], _ picture: PictureRecord, _ database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO known (path, size, modified, changed, previous, hash, orientation, taken, taken_offset)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            Data(file.path), file.size, file.modified, file.changed, previous?.rawValue, Data(hash),
            picture.orientation, picture.taken, picture.takenOffset,
        ])
    }

    /// Takes the next files out.
    package static func takeKnown(limit: Int, _ database: Database) throws -> [KnownRow] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT path, size, modified, changed, previous, number, hash, orientation, taken, taken_offset
                FROM known ORDER BY number LIMIT ?
                """, arguments: [limit]
        ).map { row in
            KnownRow(
                number: row[5], file: file(row), previous: (row[4] as Int64?).map(ItemID.init(rawValue:)),
                hash: Array(row[6] as Data),
                picture: PictureRecord(orientation: row[7], taken: row[8], takenOffset: row[9]))
        }
        if let last = rows.last {
            try database.execute(sql: "DELETE FROM known WHERE number <= ?", arguments: [last.number])
        }
        return rows
    }

    // MARK: What was not found

    package static func addMissing(
        _ item: ItemRecord, _ protection: Protection?, folder: [UInt8], _ database: Database
    ) throws {
        try database.cachedStatement(sql: "INSERT INTO missing VALUES (?, ?, ?, ?)")
            .execute(arguments: [
                item.id.rawValue, item.file.map { Data($0.hash) }, protection?.rawValue, Data(folder),
            ])
    }

    /// The oldest item with that content whose file was not found, or nil.
    package static func missing(hash: [UInt8], _ database: Database) throws -> ItemID? {
        try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT item FROM missing WHERE hash = ? ORDER BY item LIMIT 1"),
            arguments: [Data(hash)]
        ).map(ItemID.init(rawValue:))
    }

    package static func removeMissing(_ item: ItemID, _ database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM missing WHERE item = ?").execute(arguments: [item.rawValue])
    }

    /// Takes the next items out whose files are gone and that nothing protects.
    package static func takeGone(limit: Int, _ database: Database) throws -> [ItemID] {
        let ids = try Int64.fetchAll(
            database, sql: "SELECT item FROM missing WHERE protection IS NULL ORDER BY item LIMIT ?",
            arguments: [limit])
        if let last = ids.last {
            try database.execute(
                sql: "DELETE FROM missing WHERE protection IS NULL AND item <= ?", arguments: [last])
        }
        return ids.map(ItemID.init(rawValue:))
    }

    /// Files without an item, files whose item may have other content, and items whose files are gone.
    package static func counts(_ database: Database) throws -> (new: Int, changed: Int, gone: Int) {
        func count(_ sql: String) throws -> Int { try Int.fetchOne(database, sql: "SELECT count(*) FROM \(sql)") ?? 0 }
        return (
            try count("pending WHERE previous IS NULL"), try count("pending WHERE previous IS NOT NULL"),
            try count("missing WHERE protection IS NULL")
        )
    }

    /// The folders whose missing items are kept, and how many each held, in path order.
    package static func protected(_ database: Database) throws -> [(Protection, folder: [UInt8], count: Int)] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT protection, folder, count(*) FROM missing WHERE protection IS NOT NULL
                GROUP BY protection, folder ORDER BY folder
                """
        ).compactMap { row in
            Protection(rawValue: row[0]).map { ($0, Array(row[1] as Data), row[2]) }
        }
    }

    /// The folders that were read, the device of each, and whether it holds files.
    package static func forEachFolder(
        _ database: Database, _ body: (_ path: [UInt8], _ device: Int, _ holds: Bool) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(
            database, sql: "SELECT path, device, holds FROM folder WHERE state <> ? ORDER BY path",
            arguments: [ScannedFolder.unknown.rawValue])
        while let row = try rows.next() { try body(Array(row[0] as Data), row[1], row[2]) }
    }
}
