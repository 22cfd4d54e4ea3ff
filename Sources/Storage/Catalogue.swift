// The SQLite catalogue: the only authority on what an index holds.
import Foundation
import GRDB

/// What an index is: written once at creation, but for the counters and the model's location.
package struct IndexState: Sendable, Equatable {
    /// Identity shared by catalogue and vectors.
    package var uuid: String
    /// The stored format.
    package var format: Int
    /// The root of the pictures, raw bytes, or nil: the folder that holds the index folder.
    package var root: [UInt8]?
    /// The model's registered name or folder.
    package var model: String
    /// SHA-256 of the model's weights, hexadecimal.
    package var modelFingerprint: String
    /// What makes two Gaussians comparable.
    package var encodingID: String
    /// D.
    package var dimension: Int
    /// Name of the vectors' folder.
    package var vectors: String
    /// Grows by one with every commit.
    package var generation: Int
    /// The next item's id.
    package var nextItemID: ItemID
}

extension IndexState {
    /// A new, empty index with an identity of its own.
    /// - Parameters: as the properties of the same names.
    package init(root: [UInt8]?, model: String, modelFingerprint: String, encodingID: String, dimension: Int) {
        self.init(
            uuid: UUID().uuidString, format: Catalogue.format, root: root, model: model,
            modelFingerprint: modelFingerprint, encodingID: encodingID, dimension: dimension, vectors: "vectors-1",
            generation: 0, nextItemID: ItemID(rawValue: 1))
    }
}

/// What is known of a file when it was indexed.
package struct FileRecord: Sendable, Equatable {
    /// Bytes.
    package var size: Int
    /// Modification time, nanoseconds since 1970.
    package var modified: Int
    /// Time of the last status change, nanoseconds since 1970.
    package var changed: Int
    /// SHA-256 of the content.
    package var hash: [UInt8]
    /// Pixels, before orientation.
    package var width: Int
    package var height: Int

    package init(size: Int, modified: Int, changed: Int, hash: [UInt8], width: Int, height: Int) {
        self.size = size
        self.modified = modified
        self.changed = changed
        self.hash = hash
        self.width = width
        self.height = height
    }
}

/// An item of the catalogue: a picture's path below the root (raw bytes) or a text, and where its rows lie.
package struct ItemRecord: Sendable, Equatable {
    package var id: ItemID
    package var name: [UInt8]
    package var file: FileRecord?
    package var placement: Placement
}

/// A file that could not be indexed, and as what it was seen.
package struct FailureRecord: Sendable, Equatable {
    package var name: [UInt8]
    package var reason: String
    package var size: Int
    package var modified: Int
    package var changed: Int

    package init(name: [UInt8], reason: String, size: Int, modified: Int, changed: Int) {
        self.name = name
        self.reason = reason
        self.size = size
        self.modified = modified
        self.changed = changed
    }
}

/// Where items come from.
package enum Source: Int, Sendable {
    /// The folder scan of the root.
    case scan = 1
}

/// The SQL of the catalogue.
///
/// Every function runs in the caller's transaction.
package enum Catalogue {
    /// The newest format this code reads, and the one it writes.
    package static let format = 1

    /// Migrations are named and only ever appended.
    package static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: state, sources, items, blocks, failures") { database in
            try database.execute(sql: schema)
        }
        return migrator
    }

    private static let schema = """
        CREATE TABLE state (
            one INTEGER PRIMARY KEY CHECK (one = 1), uuid TEXT NOT NULL, format INTEGER NOT NULL, root BLOB,
            model TEXT NOT NULL, model_fingerprint TEXT NOT NULL, encoding_id TEXT NOT NULL,
            dimension INTEGER NOT NULL, vectors TEXT NOT NULL, generation INTEGER NOT NULL, next_item_id INTEGER NOT NULL);
        CREATE TABLE source (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (kind, name));
        INSERT INTO source VALUES (1, 'scan', '');
        CREATE TABLE item (
            id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, source INTEGER NOT NULL REFERENCES source (id),
            name BLOB NOT NULL, block INTEGER NOT NULL, slot INTEGER NOT NULL,
            size INTEGER, modified_ns INTEGER, changed_ns INTEGER, hash BLOB, width INTEGER, height INTEGER,
            UNIQUE (collection, source, name));
        CREATE INDEX item_hash ON item (hash) WHERE hash IS NOT NULL;
        CREATE TABLE block (
            collection INTEGER NOT NULL, number INTEGER NOT NULL, count INTEGER NOT NULL, live BLOB NOT NULL,
            PRIMARY KEY (collection, number)) WITHOUT ROWID;
        CREATE TABLE failure (
            source INTEGER NOT NULL REFERENCES source (id), name BLOB NOT NULL, reason TEXT NOT NULL,
            size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL,
            PRIMARY KEY (source, name)) WITHOUT ROWID;
        """

    // MARK: State

    package static func insert(_ state: IndexState, _ database: Database) throws {
        try database.execute(
            sql: "INSERT INTO state VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                state.uuid, state.format, state.root.map { Data($0) }, state.model, state.modelFingerprint,
                state.encodingID, state.dimension, state.vectors, state.generation, state.nextItemID.rawValue,
            ])
    }

    package static func state(_ database: Database, path: String) throws -> IndexState {
        guard try database.tableExists("state"), let row = try Row.fetchOne(database, sql: "SELECT * FROM state") else {
            throw StorageError.notAnIndex(path: path)
        }
        guard (row["format"] as Int) <= format else {
            throw StorageError.newerFormat(path: path, got: row["format"], supported: format)
        }
        return IndexState(
            uuid: row["uuid"], format: row["format"], root: (row["root"] as Data?).map { Array($0) },
            model: row["model"],
            modelFingerprint: row["model_fingerprint"], encodingID: row["encoding_id"], dimension: row["dimension"],
            vectors: row["vectors"], generation: row["generation"],
            nextItemID: ItemID(rawValue: row["next_item_id"]))
    }

    package static func advance(to nextItemID: ItemID, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE state SET generation = generation + 1, next_item_id = ?", arguments: [nextItemID.rawValue])
    }

    /// Says where the model lies now.
    package static func setModel(_ model: String, _ database: Database) throws {
        try database.execute(sql: "UPDATE state SET model = ?", arguments: [model])
    }

    /// Says where the root lies now.
    package static func setRoot(_ root: [UInt8], _ database: Database) throws {
        try database.execute(sql: "UPDATE state SET root = ?", arguments: [Data(root)])
    }

    // MARK: Items

    private static let itemColumns = "id, name, block, slot, size, modified_ns, changed_ns, hash, width, height"

    private static func item(_ row: Row) -> ItemRecord {
        let file = (row["hash"] as Data?).map { hash in
            FileRecord(
                size: row["size"], modified: row["modified_ns"], changed: row["changed_ns"], hash: Array(hash),
                width: row["width"], height: row["height"])
        }
        return ItemRecord(
            id: ItemID(rawValue: row["id"]), name: Array(row["name"] as Data), file: file,
            placement: Placement(block: row["block"], slot: row["slot"]))
    }

    package static func insert(
        _ item: ItemRecord, _ collection: Collection, _ source: Source, _ database: Database
    ) throws {
        try database.cachedStatement(
            sql: "INSERT INTO item (collection, source, \(itemColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            collection.rawValue, source.rawValue, item.id.rawValue, Data(item.name), item.placement.block,
            item.placement.slot, item.file?.size, item.file?.modified, item.file?.changed,
            item.file.map { Data($0.hash) }, item.file?.width, item.file?.height,
        ])
    }

    package static func item(_ id: ItemID, _ database: Database) throws -> ItemRecord? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT \(itemColumns) FROM item WHERE id = ?"), arguments: [id.rawValue]
        ).map(item)
    }

    /// Every item of a source, in name order, one at a time.
    package static func forEachItem(
        _ collection: Collection, _ source: Source, _ database: Database, _ body: (ItemRecord) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(
            database,
            sql: "SELECT \(itemColumns) FROM item WHERE collection = ? AND source = ? ORDER BY name",
            arguments: [collection.rawValue, source.rawValue])
        while let row = try rows.next() { try body(item(row)) }
    }

    /// All items with that content, oldest first.
    package static func items(hash: [UInt8], _ collection: Collection, _ database: Database) throws -> [ItemRecord] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT \(itemColumns) FROM item WHERE hash = ? AND collection = ? ORDER BY id"),
            arguments: [Data(hash), collection.rawValue]
        ).map(item)
    }

    package static func delete(_ id: ItemID, _ database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM item WHERE id = ?").execute(arguments: [id.rawValue])
    }

    /// Gives an item another name, or the same content other times.
    package static func update(_ id: ItemID, name: [UInt8], file: FileRecord, _ database: Database) throws {
        try database.cachedStatement(
            sql: "UPDATE item SET name = ?, size = ?, modified_ns = ?, changed_ns = ?, hash = ? WHERE id = ?"
        ).execute(arguments: [
            Data(name), file.size, file.modified, file.changed, Data(file.hash), id.rawValue,
        ])
    }

    package static func count(_ collection: Collection, _ database: Database) throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT count(*) FROM item WHERE collection = ?", arguments: [collection.rawValue]) ?? 0
    }

    // MARK: Blocks

    package static func blocks(_ collection: Collection, _ database: Database) throws -> [LiveBlock] {
        // By position and one row at a time: a search reads every row of this table.
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: "SELECT number, count, live FROM block WHERE collection = ? ORDER BY number"),
            arguments: [collection.rawValue])
        var blocks: [LiveBlock] = []
        while let row = try rows.next() {
            let live = try row.withUnsafeData(atIndex: 2) { LiveBitmap($0 ?? Data()) }
            blocks.append(LiveBlock(number: row[0], count: row[1], live: live))
        }
        return blocks
    }

    package static func block(_ collection: Collection, _ number: Int, _ database: Database) throws -> LiveBlock? {
        try Row.fetchOne(
            database, sql: "SELECT count, live FROM block WHERE collection = ? AND number = ?",
            arguments: [collection.rawValue, number]
        ).map { LiveBlock(number: number, count: $0["count"], live: LiveBitmap($0["live"] as Data)) }
    }

    package static func set(_ block: LiveBlock, _ collection: Collection, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?)")
            .execute(arguments: [collection.rawValue, block.number, block.count, Data(block.live.bytes)])
    }

    /// Slots committed in a collection, dead ones included.
    package static func slots(_ collection: Collection, _ database: Database) throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT coalesce(sum(count), 0) FROM block WHERE collection = ?",
            arguments: [collection.rawValue]) ?? 0
    }

    // MARK: Failures

    package static func failures(_ source: Source, _ database: Database) throws -> [FailureRecord] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM failure WHERE source = ? ORDER BY name", arguments: [source.rawValue]
        ).map {
            FailureRecord(
                name: Array($0["name"] as Data), reason: $0["reason"], size: $0["size"], modified: $0["modified_ns"],
                changed: $0["changed_ns"])
        }
    }

    package static func remember(_ failure: FailureRecord, _ source: Source, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO failure VALUES (?, ?, ?, ?, ?, ?)")
            .execute(arguments: [
                source.rawValue, Data(failure.name), failure.reason, failure.size, failure.modified, failure.changed,
            ])
    }

    package static func forgetFailure(_ name: [UInt8], _ source: Source, _ database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM failure WHERE source = ? AND name = ?")
            .execute(arguments: [source.rawValue, Data(name)])
    }
}
