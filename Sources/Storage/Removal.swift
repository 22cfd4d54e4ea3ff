// The end of an index, or of one source in it.
import Foundation
import GRDB
import Glibc

extension IndexStore {
    /// Removes the files of an index folder, and the folder if nothing else is in it.
    ///
    /// The catalogue goes last: interrupted, the same call goes on.
    /// - Parameter path: the index folder; its catalogue need not be readable.
    /// - Returns: what was left because it is none of the index's files.
    /// - Throws: `StorageError.notAnIndex` where neither catalogue nor vectors are; `.busy`.
    package static func remove(_ path: String) throws -> [String] {
        try requireIndex(path)
        let lock = try WriterLock(path: "\(path)/\(lockName)")
        return withExtendedLifetime(lock) { IndexFiles(path).remove() }
    }

    /// Makes sure that a folder is an index, sound or damaged, and not just a folder that holds a file of that name.
    static func requireIndex(_ path: String) throws {
        let file = "\(path)/\(catalogueName)"
        guard Entry(path).isFolder, Entry(file).exists else { throw StorageError.notAnIndex(path: path) }
        var configuration = Configuration()
        configuration.readonly = true
        let isCatalogue = try? DatabaseQueue(path: file, configuration: configuration).read { database in
            try database.tableExists("state") && database.tableExists("block")
        }
        guard isCatalogue == true || !VectorsFolder.names(in: path).isEmpty else {
            throw StorageError.notAnIndex(path: path)
        }
    }
}

extension IndexWriter {
    /// Removes every item and failure of a source, and the source, in one transaction.
    /// - Returns: how many items it had.
    package func remove(_ source: Source) throws -> Int {
        try IndexStore.naming(store.path) { try store.queue.write { try Catalogue.remove(source, $0) } }
    }
}

extension Catalogue {
    /// How many items each source has in each collection, in order of sources and collections; none are left out.
    package static func counts(
        _ database: Database
    ) throws -> [(source: Source, collection: Collection, items: Int)] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT source.kind, source.name, item.collection, count(*) FROM item JOIN source ON source.id = item.source
                GROUP BY item.source, item.collection ORDER BY item.source, item.collection
                """)
        return rows.compactMap { row in
            guard let kind = Source.Kind(rawValue: row[0]), let collection = Collection(rawValue: row[2]) else {
                return nil
            }
            return (Source(kind: kind, name: row[1]), collection, row[3])
        }
    }

    fileprivate static func remove(_ source: Source, _ database: Database) throws -> Int {
        let id = try identify(source, database)
        var removed = 0
        for collection in Collection.allCases {
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT block, slot FROM item WHERE source = ? AND collection = ? ORDER BY block, slot",
                arguments: [id, collection.rawValue])
            var current: LiveBlock?
            while let row = try rows.next() {
                if current?.number != row[0] {
                    if let current { try set(current, collection, database) }
                    current = try block(collection, row[0], database)
                }
                current?.live[row[1]] = false
                removed += 1
            }
            if let current { try set(current, collection, database) }
        }
        try database.execute(sql: "DELETE FROM item WHERE source = ?", arguments: [id])
        try database.execute(sql: "DELETE FROM failure WHERE source = ?", arguments: [id])
        if source != .scan { try database.execute(sql: "DELETE FROM source WHERE id = ?", arguments: [id]) }
        try database.execute(sql: "UPDATE state SET generation = generation + 1")
        return removed
    }
}
