// An index to its state of health, in a moment: what can be told without reading every vector.
import CLMDB
import GRDB

/// The state of an index's files.
package struct Health: Sendable {
    /// What is wrong.
    package var damages: [String] = []
    /// What interrupted runs left and the next writer removes.
    package var leftovers: [String] = []
    /// Where `repair` has kept damaged files.
    package var kept: [String] = []
    /// Slots, those of items that are gone included.
    package var slots = 0
    /// Slots of items that are gone.
    package var deadSlots = 0
}

extension IndexStore {
    /// Looks at the catalogue's pages, the counts, and the header of every block; `verify` reads everything.
    /// - Returns: what was found.
    /// - Throws: `StorageError` when catalogue or vectors cannot be opened at all.
    package func health() throws -> Health {
        try read { snapshot in
            var health = Health()
            let flaws = try String.fetchAll(snapshot.database, sql: "PRAGMA quick_check(10)")
            health.damages = flaws.filter { $0 != "ok" }.map { "catalogue: \($0)" }
            for collection in Collection.allCases {
                let blocks = try Catalogue.blocks(collection, snapshot.database)
                let live = blocks.reduce(0) { $0 + $1.live.count }
                let items = try snapshot.count(collection)
                if live != items { health.damages.append("\(items) \(collection), but \(live) live slots") }
                health.slots += blocks.reduce(0) { $0 + $1.count }
                health.deadSlots += blocks.reduce(0) { $0 + $1.count } - live
                for block in blocks {
                    for column in Column.stored {
                        do {
                            _ = try snapshot.vectors.rows(
                                collection, column, block.number, count: block.count, snapshot.transaction)
                        } catch {
                            health.damages.append("\(error)")
                        }
                    }
                }
            }
            health.leftovers = leftovers(snapshot.state.vectors)
            health.kept = keptFolders
            return health
        }
    }
}

/// The versions of the libraries the index is stored with, asked of them at run time.
package enum StorageVersions {
    /// LMDB's.
    package static var lmdb: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        mdb_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }

    /// SQLite's.
    package static var sqlite: String {
        let version = try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }
        return (version ?? nil) ?? "unknown"
    }
}
