// Names to where their rows lie, and places to rows as they are stored: how an import compares, and an export copies.
import Foundation
import GRDB
import Glibc

extension Catalogue {
    /// Items of a source in a collection.
    package static func count(_ collection: Collection, _ source: Source, _ database: Database) throws -> Int {
        try Int.fetchOne(
            database,
            sql: """
                SELECT count(*) FROM item WHERE collection = ?
                AND source = (SELECT id FROM source WHERE kind = ? AND name = ?)
                """,
            arguments: [collection.rawValue, source.kind.rawValue, source.name]) ?? 0
    }

    /// Where the item of a name in a source lies, or nil.
    package static func place(
        of name: [UInt8], _ collection: Collection, _ source: Source, _ database: Database
    ) throws -> PendingRows.Place? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT id, block, slot FROM item WHERE collection = ?
                    AND source = (SELECT id FROM source WHERE kind = ? AND name = ?) AND name = ?
                    """),
            arguments: [collection.rawValue, source.kind.rawValue, source.name, Data(name)]
        ).map { (ItemID(rawValue: $0[0]), Placement(block: $0[1], slot: $0[2])) }
    }

    /// Every item of a collection in id order, one at a time: where it lies, and its name.
    ///
    /// Only those of sources of a name; nil takes all.
    package static func forEachItem(
        _ collection: Collection, inSource source: String?, _ database: Database,
        _ body: (Placement, _ name: () -> [UInt8]) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT block, slot, name FROM item WHERE collection = ?1
                AND (?2 IS NULL OR source IN (SELECT id FROM source WHERE name = ?2)) ORDER BY id
                """,
            arguments: [collection.rawValue, source])
        while let row = try rows.next() {
            try body(Placement(block: row[0], slot: row[1])) { Array(row[2] as Data) }
        }
    }
}

extension Snapshot {
    /// Whether the rows stored at a placement are these, `[D]` each, bit for bit.
    package func holds(
        mean: UnsafeBufferPointer<Float>, logVariance: UnsafeBufferPointer<Float>, at placement: Placement,
        in collection: Collection
    ) throws -> Bool {
        try [(Column.means, mean), (.logVariances, logVariance)].allSatisfy { column, row in
            let stored = try rows(column, SlotRun(first: placement, end: placement.slot + 1), in: collection)
            guard let one = stored.baseAddress, let other = row.baseAddress else { return false }
            return memcmp(one, other, stored.count) == 0
        }
    }

    /// Some rows of a column of one block, in place.
    /// - Parameters:
    ///   - column: which.
    ///   - run: the first row's place, and the slot after the last.
    ///   - collection: which of the two.
    ///   - checkingSum: whether to compute the block's checksum.
    /// - Returns: the rows' bytes.
    /// - Throws: `StorageError.vectorsShort`, `.damagedBlock`.
    package func rows(
        _ column: Column, _ run: SlotRun, in collection: Collection, checkingSum: Bool = false
    ) throws -> UnsafeRawBufferPointer {
        let rowSize = column.rowSize(dimension: state.dimension)
        let rows = try vectors.rows(
            collection, column, run.first.block, count: run.end, transaction, checkingSum: checkingSum)
        return UnsafeRawBufferPointer(rebasing: rows[(run.first.slot * rowSize)...])
    }
}

/// Neighbouring slots of one block.
package struct SlotRun {
    /// The first.
    package var first: Placement
    /// The slot after the last.
    package var end: Int

    package init(first: Placement, end: Int) {
        self.first = first
        self.end = end
    }
}
