// The SQLite catalogue: the only authority on what an index holds.
import Foundation
import GRDB

/// The SQL of the catalogue.
///
/// Every function runs in the caller's transaction.
package enum Catalogue {
    /// A connection inside a transaction.
    package typealias Access = Database

    /// The newest format this code reads, and the one it writes.
    package static let format = 1

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
            throw VectorsFolder.names(in: path).isEmpty
                ? StorageError.notAnIndex(path: path)
                : StorageError.damagedCatalogue(path: path, reason: "it is empty")
        }
        guard (row["format"] as Int) <= format else {
            throw StorageError.newerFormat(path: path, got: row["format"], supported: format)
        }
        return state(row)
    }

    static func state(_ row: Row) -> IndexState {
        IndexState(
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

    // MARK: Sources

    /// The id of a source as a subquery of two arguments, kind and name.
    private static let sourceID = "(SELECT id FROM source WHERE kind = ? AND name = ?)"

    /// The id of a source, given one now if it is new.
    package static func identify(_ source: Source, _ database: Database) throws -> Int {
        try database.cachedStatement(sql: "INSERT OR IGNORE INTO source (kind, name) VALUES (?, ?)")
            .execute(arguments: [source.kind.rawValue, source.name])
        guard
            let id = try Int.fetchOne(
                database, sql: "SELECT id FROM source WHERE kind = ? AND name = ?",
                arguments: [source.kind.rawValue, source.name])
        else { preconditionFailure("a source that was just inserted") }
        return id
    }

    /// Every source, the scan first.
    package static func sources(_ database: Database) throws -> [Source] {
        try Row.fetchAll(database, sql: "SELECT kind, name FROM source ORDER BY id").compactMap { row in
            Source.Kind(rawValue: row[0]).map { Source(kind: $0, name: row[1]) }
        }
    }

    // MARK: Items

    private static let itemColumns = """
        id, name, block, slot, total_variance, size, modified_ns, changed_ns, hash, width, height, orientation, taken, \
        taken_offset
        """

    /// A row of `itemColumns`, by position: a survey reads every item.
    private static func item(_ row: Row) -> ItemRecord {
        let file = (row[8] as Data?).map { hash in
            FileRecord(
                size: row[5], modified: row[6], changed: row[7], hash: Array(hash),
                picture: PictureRecord(
                    width: row[9], height: row[10], orientation: row[11] ?? 1, taken: row[12], takenOffset: row[13]))
        }
        return ItemRecord(
            id: ItemID(rawValue: row[0]), name: Array(row[1] as Data), file: file,
            placement: Placement(block: row[2], slot: row[3]), totalVariance: row[4])
    }

    /// Adds an item, whose id must be new, to the source of an id.
    package static func insert(
        _ item: ItemRecord, _ collection: Collection, source: Int, _ database: Database
    ) throws {
        let picture = item.file?.picture
        try database.cachedStatement(
            sql: """
                INSERT INTO item (collection, source, \(itemColumns))
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            collection.rawValue, source, item.id.rawValue, Data(item.name), item.placement.block, item.placement.slot,
            item.totalVariance, item.file?.size, item.file?.modified, item.file?.changed,
            item.file.map { Data($0.hash) }, picture?.width, picture?.height, picture?.orientation, picture?.taken,
            picture?.takenOffset,
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
            sql: """
                SELECT \(itemColumns) FROM item WHERE collection = ? AND source = \(sourceID) ORDER BY name
                """,
            arguments: [collection.rawValue, source.kind.rawValue, source.name])
        while let row = try rows.next() { try body(item(row)) }
    }

    /// Items that a `WHERE` clause, which may end in an order and a limit, names.
    static func forEachItem(
        sql: String, _ arguments: StatementArguments, _ database: Database, _ body: (ItemRecord) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(
            database, sql: "SELECT \(itemColumns) FROM item WHERE \(sql)", arguments: arguments)
        while let row = try rows.next() { try body(item(row)) }
    }

    /// The item of a name, or nil.
    package static func item(
        named name: [UInt8], _ collection: Collection, _ source: Source, _ database: Database
    ) throws -> ItemRecord? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT \(itemColumns) FROM item WHERE collection = ? AND source = \(sourceID) AND name = ?"),
            arguments: [collection.rawValue, source.kind.rawValue, source.name, Data(name)]
        ).map(item)
    }

    /// The oldest item with that content, or nil.
    package static func item(hash: [UInt8], _ collection: Collection, _ database: Database) throws -> ItemRecord? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT \(itemColumns) FROM item WHERE hash = ? AND collection = ? ORDER BY id LIMIT 1"),
            arguments: [Data(hash), collection.rawValue]
        ).map(item)
    }

    package static func delete(_ id: ItemID, _ database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM item WHERE id = ?").execute(arguments: [id.rawValue])
    }

    /// Gives an item another name, or the same content other times.
    package static func update(_ id: ItemID, name: [UInt8], file: FileRecord, _ database: Database) throws {
        try database.cachedStatement(
            sql: """
                UPDATE item SET name = ?, size = ?, modified_ns = ?, changed_ns = ?, hash = ?, orientation = ?, taken = ?,
                taken_offset = ? WHERE id = ?
                """
        ).execute(arguments: [
            Data(name), file.size, file.modified, file.changed, Data(file.hash), file.picture.orientation,
            file.picture.taken, file.picture.takenOffset, id.rawValue,
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

    private static let failureColumns = "name, reason, size, modified_ns, changed_ns, failed_at, is_retryable"

    private static func failure(_ row: Row) -> FailureRecord {
        FailureRecord(
            name: Array(row[0] as Data), reason: row[1], size: row[2], modified: row[3], changed: row[4], time: row[5],
            isRetryable: row[6])
    }

    /// Every remembered failure of a source, in name order.
    package static func failures(_ source: Source, _ database: Database) throws -> [FailureRecord] {
        var failures: [FailureRecord] = []
        try forEachFailure(source, database) { failures.append($0) }
        return failures
    }

    /// Every remembered failure of a source, in name order, one at a time.
    package static func forEachFailure(
        _ source: Source, _ database: Database, _ body: (FailureRecord) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(
            database, sql: "SELECT \(failureColumns) FROM failure WHERE source = \(sourceID) ORDER BY name",
            arguments: [source.kind.rawValue, source.name])
        while let row = try rows.next() { try body(failure(row)) }
    }

    /// The remembered failure of a name, or nil.
    package static func failure(of name: [UInt8], _ source: Source, _ database: Database) throws -> FailureRecord? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT \(failureColumns) FROM failure WHERE source = \(sourceID) AND name = ?"),
            arguments: [source.kind.rawValue, source.name, Data(name)]
        ).map(failure)
    }

    package static func remember(_ failure: FailureRecord, source: Int, _ database: Database) throws {
        try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO failure (source, \(failureColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            source, Data(failure.name), failure.reason, failure.size, failure.modified, failure.changed, failure.time,
            failure.isRetryable,
        ])
    }

    package static func forgetFailure(_ name: [UInt8], source: Int, _ database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM failure WHERE source = ? AND name = ?")
            .execute(arguments: [source, Data(name)])
    }

    // MARK: Folders

    /// The device a scanned folder was on when it last held items, or nil.
    package static func device(of folder: [UInt8], _ database: Database) throws -> Int? {
        try Int.fetchOne(
            database.cachedStatement(sql: "SELECT device FROM folder WHERE path = ?"), arguments: [Data(folder)])
    }

    package static func set(device: Int, of folder: [UInt8], _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO folder VALUES (?, ?)")
            .execute(arguments: [Data(folder), device])
    }

    package static func forgetFolder(_ folder: [UInt8], _ database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM folder WHERE path = ?").execute(arguments: [Data(folder)])
    }
}
