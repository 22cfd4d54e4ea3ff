// What a file of texts holds and what is still to be done with it, in a private database: memory does not grow with it.
import Foundation
import GRDB

/// The rows of one file of texts, in a database of SQLite's own that lies in the system's temporary folder and has no name.
package final class TextTable: Sendable {
    /// A text that is not an item yet.
    package struct Pending: Sendable {
        /// Rises in the order of the file.
        package let number: Int
        package let text: [UInt8]
        /// The line it was first seen on.
        package let line: Int
        /// The pictures it belongs to, in byte order.
        package let pictures: [[UInt8]]
    }

    /// What the comparison with the index found.
    package struct Comparison: Sendable, Equatable {
        /// Texts that are items.
        package var kept = 0
        /// Items to be encoded.
        package var pending = 0
        /// Items of which other pictures are named than before.
        package var relinked = 0
        /// Items whose text is gone from the file.
        package var gone = 0
    }

    private let queue: DatabaseQueue

    /// Makes empty tables.
    /// - Throws: `StorageError` when there is no room for temporary files.
    package init() throws {
        var configuration = Configuration()
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF") }
        queue = try IndexStore.naming("temporary folder") { [configuration] in
            let queue = try DatabaseQueue(path: "", configuration: configuration)
            try queue.inDatabase { try $0.execute(sql: Self.schema) }
            return queue
        }
    }

    private static let schema = """
        CREATE TABLE text (number INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, line INTEGER NOT NULL, state INTEGER);
        CREATE TABLE link (text INTEGER NOT NULL, picture BLOB NOT NULL, PRIMARY KEY (text, picture)) WITHOUT ROWID;
        CREATE TABLE gone (item INTEGER PRIMARY KEY);
        """

    private func access<T>(_ body: (Database) throws -> T) throws -> T {
        try IndexStore.naming("temporary folder") { try queue.inDatabase(body) }
    }

    /// Notes texts in the order of the file; equal ones are one.
    package func add(_ rows: [(text: [UInt8], line: Int, picture: [UInt8]?)]) throws {
        try access { database in
            let insert = try database.cachedStatement(
                sql: "INSERT INTO text (name, line) VALUES (?, ?) ON CONFLICT (name) DO NOTHING")
            let find = try database.cachedStatement(sql: "SELECT number FROM text WHERE name = ?")
            let link = try database.cachedStatement(sql: "INSERT OR IGNORE INTO link VALUES (?, ?)")
            try database.inTransaction {
                for row in rows {
                    try insert.execute(arguments: [Data(row.text), row.line])
                    guard let picture = row.picture else { continue }
                    guard let number = try Int.fetchOne(find, arguments: [Data(row.text)]) else { continue }
                    try link.execute(arguments: [number, Data(picture)])
                }
                return .commit
            }
        }
    }

    /// Whether no text was noted.
    package func isEmpty() throws -> Bool {
        try access { try Int.fetchOne($0, sql: "SELECT number FROM text LIMIT 1") == nil }
    }

    /// Compares with the items of a source, side by side in byte order.
    package func compare(_ source: Source, _ catalogue: Database) throws -> Comparison {
        try access { database in
            var comparison = Comparison()
            let rows = try Row.fetchCursor(database, sql: "SELECT number, name FROM text ORDER BY name")
            func next() throws -> (number: Int, name: [UInt8])? {
                try rows.next().map { ($0[0], Array($0[1] as Data)) }
            }
            // The cursor walks the index of names, which no state is part of.
            let update = try database.makeStatement(sql: "UPDATE text SET state = ? WHERE number = ?")
            var text = try next()
            try Catalogue.forEachItem(.texts, source, catalogue) { item in
                while let new = text, new.name.lexicographicallyPrecedes(item.name) {
                    comparison.pending += 1
                    text = try next()
                }
                guard let same = text, same.name == item.name else {
                    comparison.gone += 1
                    try database.cachedStatement(sql: "INSERT INTO gone VALUES (?)")
                        .execute(arguments: [item.id.rawValue])
                    return
                }
                comparison.kept += 1
                let isRelinked = try Self.pictures(same.number, database) != Catalogue.links(of: item.id, catalogue)
                if isRelinked { comparison.relinked += 1 }
                try update.execute(arguments: [isRelinked ? 2 : 1, same.number])
                text = try next()
            }
            while text != nil {
                comparison.pending += 1
                text = try next()
            }
            return comparison
        }
    }

    private static func pictures(_ number: Int, _ database: Database) throws -> [[UInt8]] {
        try Data.fetchAll(
            database.cachedStatement(sql: "SELECT picture FROM link WHERE text = ? ORDER BY picture"),
            arguments: [number]
        ).map { Array($0) }
    }

    /// The next texts behind a number that are no items yet, in the order of the file.
    package func pending(after number: Int, limit: Int) throws -> [Pending] {
        try texts("state IS NULL", after: number, limit: limit)
    }

    /// The next items behind a number whose pictures changed.
    package func relinked(after number: Int, limit: Int) throws -> [Pending] {
        try texts("state = 2", after: number, limit: limit)
    }

    private func texts(_ condition: String, after number: Int, limit: Int) throws -> [Pending] {
        try access { database in
            let rows = try Row.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT number, name, line FROM text WHERE \(condition) AND number > ? ORDER BY number LIMIT ?
                        """), arguments: [number, limit])
            return try rows.map { row in
                Pending(
                    number: row[0], text: Array(row[1] as Data), line: row[2],
                    pictures: try Self.pictures(row[0], database))
            }
        }
    }

    /// Takes the next items out whose texts are gone.
    package func takeGone(limit: Int) throws -> [ItemID] {
        try access { database in
            let ids = try Int64.fetchAll(
                database, sql: "SELECT item FROM gone ORDER BY item LIMIT ?", arguments: [limit])
            if let last = ids.last { try database.execute(sql: "DELETE FROM gone WHERE item <= ?", arguments: [last]) }
            return ids.map(ItemID.init(rawValue:))
        }
    }
}
