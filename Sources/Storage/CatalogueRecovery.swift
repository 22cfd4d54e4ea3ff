// A damaged catalogue to a fresh one with every row that can still be read.
import Foundation
import GRDB
import Glibc

/// What was saved of a damaged catalogue.
struct CatalogueRecovery {
    /// The fresh catalogue, a temporary database.
    let queue: DatabaseQueue
    /// Whether the old one knew each item's total variance.
    let knowsUncertainty: Bool

    /// Saves what can be read.
    /// - Parameters:
    ///   - file: a copy of the damaged catalogue, with its log beside it; its first bytes are mended in place.
    ///   - path: the index folder, for messages.
    /// - Throws: `StorageError.beyondRepair` when it cannot be said what index it was.
    init(copy file: String, path: String) throws {
        Self.mendMagic(file)
        do {
            let old = try DatabaseQueue(path: file, configuration: Self.tolerant)
            queue = try DatabaseQueue(path: "", configuration: Self.tolerant)
            try Catalogue.migrator { _ in preconditionFailure("a fresh catalogue names no vectors") }.migrate(queue)
            let fresh = queue
            knowsUncertainty = try old.writeWithoutTransaction { old in
                let columns = try old.columns(in: "item").map(\.name)
                try fresh.writeWithoutTransaction { fresh in
                    for table in try Self.tables(old, fresh) { try Self.copy(table, old, fresh) }
                    try fresh.execute(sql: Self.sanitation)
                }
                return columns.contains("total_variance")
            }
            _ = try queue.read { try Catalogue.state($0, path: path) }
        } catch let error as DatabaseError {
            throw StorageError.beyondRepair(path: path, reason: error.message ?? "\(error.resultCode)")
        } catch StorageError.notAnIndex, StorageError.damagedCatalogue {
            throw StorageError.beyondRepair(path: path, reason: "it does not say any more what index it is")
        }
    }

    /// Rows refer to each other; while they arrive one by one, they need not yet.
    private static var tolerant: Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        return configuration
    }

    /// Every SQLite database begins with the same 16 bytes.
    private static func mendMagic(_ file: String) {
        let descriptor = open(file, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = "SQLite format 3".withCString { pwrite(descriptor, $0, 16, 0) }
    }

    /// Rows of the wrong kind, and rows that point nowhere.
    private static let sanitation = """
        DELETE FROM item WHERE typeof(block) <> 'integer' OR typeof(slot) <> 'integer'
            OR typeof(collection) <> 'integer' OR typeof(name) <> 'blob' OR typeof(total_variance) <> 'real'
            OR typeof(size) NOT IN ('integer', 'null') OR typeof(modified_ns) NOT IN ('integer', 'null')
            OR typeof(changed_ns) NOT IN ('integer', 'null') OR typeof(hash) NOT IN ('blob', 'null')
            OR typeof(width) NOT IN ('integer', 'null') OR typeof(height) NOT IN ('integer', 'null')
            OR (hash IS NOT NULL AND (size IS NULL OR modified_ns IS NULL OR changed_ns IS NULL
                OR width IS NULL OR height IS NULL));
        DELETE FROM item WHERE source NOT IN (SELECT id FROM source) OR collection NOT IN (0, 1) OR id < 1;
        DELETE FROM failure WHERE source NOT IN (SELECT id FROM source) OR typeof(name) <> 'blob'
            OR typeof(reason) <> 'text' OR typeof(size) <> 'integer';
        DELETE FROM text_link WHERE item NOT IN (SELECT id FROM item) OR typeof(picture) <> 'blob';
        UPDATE state SET next_item_id = max(next_item_id, 1 + coalesce((SELECT max(id) FROM item), 0));
        """

    /// The tables both have, referred ones first; blocks are made anew from the items.
    private static func tables(_ old: Database, _ fresh: Database) throws -> [String] {
        let known = ["state", "source", "item", "failure", "folder"]
        let all = try String.fetchAll(
            fresh, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        // The full-text index fills itself from the items, and files of texts are to be read again.
        let remade = ["block", "text_file"]
        let others = all.filter {
            !known.contains($0) && !remade.contains($0) && !$0.hasPrefix("grdb_") && !$0.hasPrefix("caption")
        }
        return try (known + others.sorted()).filter { try old.tableExists($0) && fresh.tableExists($0) }
    }

    /// Copies the rows of a table: forwards up to the damage, backwards down to it, and what lies between one by one.
    private static func copy(_ table: String, _ old: Database, _ fresh: Database) throws {
        let oldColumns = Set(try old.columns(in: table).map(\.name))
        let columns = try fresh.columns(in: table).map(\.name).filter(oldColumns.contains)
        let keys = try fresh.primaryKey(table).columns.filter(columns.contains)
        let names = columns.map { $0.quotedDatabaseIdentifier }.joined(separator: ", ")
        let insert = try fresh.makeStatement(
            sql: """
                INSERT OR REPLACE INTO \(table.quotedDatabaseIdentifier) (\(names))
                VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))
                """)
        func take(_ order: String) -> (isWhole: Bool, last: Int64?) {
            var last: Int64?
            do {
                let rows = try Row.fetchCursor(
                    old, sql: "SELECT \(names) FROM \(table.quotedDatabaseIdentifier) \(order)")
                while let row = try rows.next() {
                    // A row that contradicts another or the table is left out.
                    try? insert.execute(arguments: StatementArguments(row.databaseValues))
                    if keys.count == 1 { last = Int64.fromDatabaseValue(row[keys[0]] as DatabaseValue) }
                }
                return (true, last)
            } catch {
                return (false, last)
            }
        }
        func order(_ direction: String) -> String {
            keys.isEmpty
                ? "" : "ORDER BY " + keys.map { "\($0.quotedDatabaseIdentifier) \(direction)" }.joined(separator: ", ")
        }
        let up = take(order("ASC"))
        guard !up.isWhole, !keys.isEmpty else { return }
        let down = take(order("DESC"))
        guard !down.isWhole, keys.count == 1, let low = up.last, let high = down.last, low < high,
            high - low < 50_000_000
        else { return }
        for id in (low + 1)..<high { _ = take("WHERE \(keys[0].quotedDatabaseIdentifier) = \(id)") }
    }
}
