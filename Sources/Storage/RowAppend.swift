// Many rows from memory to blocks and the catalogue, without an object per row: how an import commits.
import Foundation
import GRDB
import Gaussians

/// Rows of Gaussians as they lie in memory, column by column.
package struct RowColumns: @unchecked Sendable {  // reads what nobody writes
    /// Rows.
    package let count: Int
    /// [count, D] means.
    package let means: UnsafePointer<Float>
    /// [count, D] log variances.
    package let logVariances: UnsafePointer<Float>
    /// [count, 2]: squared length of the mean, total variance.
    package let scalars: UnsafePointer<Double>

    package init(
        count: Int, means: UnsafePointer<Float>, logVariances: UnsafePointer<Float>, scalars: UnsafePointer<Double>
    ) {
        self.count = count
        self.means = means
        self.logVariances = logVariances
        self.scalars = scalars
    }

    /// What is derived of a block that 256 rows make, from `first` on.
    fileprivate func derived(
        _ collection: Collection, _ block: Int, from first: Int, _ parameters: CodeParameters
    ) -> [DerivedValue] {
        let size = GaussianCodec.slotsPerBlock
        func rows<T>(_ base: UnsafePointer<T>, _ width: Int) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(UnsafeBufferPointer(start: base + first * width, count: size * width))
        }
        let dimension = parameters.centroid.count
        let codes = parameters.values(collection, block, means: rows(means, dimension), scalars: rows(scalars, 2))
        return codes + [HalfVariances.value(collection, block, logVariances: rows(logVariances, dimension))]
    }

    /// Copies some rows of a column, as it is stored, to memory with room for them.
    fileprivate func copy(
        _ column: Column, _ rows: Range<Int>, firstID: Int64, dimension: Int, to out: UnsafeMutableRawBufferPointer
    ) {
        func copy<T>(_ base: UnsafePointer<T>, _ width: Int) {
            out.copyMemory(
                from: UnsafeRawBufferPointer(
                    UnsafeBufferPointer(start: base + rows.lowerBound * width, count: rows.count * width)))
        }
        switch column {
        case .ids:
            for (offset, row) in rows.enumerated() {
                out.storeBytes(of: UInt64(firstID + Int64(row)).littleEndian, toByteOffset: 8 * offset, as: UInt64.self)
            }
        case .means: copy(means, dimension)
        case .logVariances: copy(logVariances, dimension)
        case .scalars: copy(scalars, 2)
        case .coarseCodes, .residualCodes, .fineCodes, .halfVariances: preconditionFailure("derived, never appended")
        }
    }
}

/// Rows that are written behind the catalogue's end, and not visible before the catalogue has them too.
package struct PendingRows {
    /// Where an item lies that one of the rows replaces.
    package typealias Place = (id: ItemID, placement: Placement)

    package let collection: Collection
    package let source: Source
    /// Rows so far.
    package var count: Int { names.count }
    fileprivate let firstID: Int64
    fileprivate let firstSlot: Int
    fileprivate var names: [[UInt8]] = []
    fileprivate var totalVariances: [Double] = []
    fileprivate var replaced: [Place] = []
    /// What was derived of the rows written last: written beside later ones, or before they become visible.
    fileprivate var derived: [DerivedValue] = []
}

extension IndexWriter {
    /// Begins a batch of rows of one source; nothing else may be committed before it is.
    package func begin(_ collection: Collection, _ source: Source) throws -> PendingRows {
        try store.readCatalogue { database in
            // Names come in any order, and each changes another page of their index: without room for those of a
            // million names, most are written and read again for every batch.
            try database.execute(sql: "PRAGMA cache_size = -65536")
            return PendingRows(
                collection: collection, source: source,
                firstID: try Catalogue.state(database, path: store.path).nextItemID.rawValue,
                firstSlot: try Catalogue.slots(collection, database))
        }
    }

    /// Writes rows to the vectors, synced.
    ///
    /// What is derived of them follows with later ones; they become visible with `commit`.
    /// - Parameters:
    ///   - rows: as they lie in memory.
    ///   - names: the name of each; no other item of the source may have it but those replaced.
    ///   - replaced: items that end when the rows become visible.
    ///   - pending: what the rows are added to.
    /// - Throws: `StorageError`; then what is pending is lost with the rows.
    package func append(
        _ rows: RowColumns, names: [[UInt8]], replacing replaced: [PendingRows.Place], to pending: inout PendingRows
    ) throws {
        precondition(names.count == rows.count, "a name for each row")
        let done = pending.count
        let (firstID, firstSlot) = (pending.firstID + Int64(done), pending.firstSlot + done)
        try vectors.append(
            rows, firstID: firstID, to: pending.collection, after: firstSlot, derived: &pending.derived)
        pending.names += names
        pending.totalVariances += (0..<rows.count).map { rows.scalars[2 * $0 + 1] }
        pending.replaced += replaced
    }

    /// Makes the rows visible.
    /// - Throws: `StorageError`; then none of them is.
    package func commit(_ pending: PendingRows) throws {
        guard pending.count > 0 else { return }
        if !pending.derived.isEmpty { try vectors.environment.write { try vectors.put(pending.derived, $0) } }
        try IndexStore.naming(store.path) {
            try store.queue.write { try Catalogue.record(pending, $0) }
        }
    }
}

extension VectorStore {
    /// Appends rows behind the first `count` slots of a collection, rewriting the tail block with more rows.
    ///
    /// One thread writes these rows and, once it is enough, what was derived of those before, the others derive columns of
    /// these from memory.
    /// Where these decide what codes are made with, where they are more blocks than may wait, and for a block that was
    /// begun before, columns are derived in the transaction, once the rows are written.
    /// - Parameters:
    ///   - rows: what to append.
    ///   - firstID: the id of the first; the others follow.
    ///   - collection: where to.
    ///   - count: slots before them.
    ///   - derived: what was derived of the rows before and waits to be written; then what waits of these.
    /// - Throws: `StorageError`.
    fileprivate func append(
        _ rows: RowColumns, firstID: Int64, to collection: Collection, after count: Int,
        derived: inout [DerivedValue]
    ) throws {
        let size = GaussianCodec.slotsPerBlock
        guard rows.count > 0 else { return }
        let written = (count / size...(count + rows.count - 1) / size).map {
            WrittenBlock(number: $0, count: min(count + rows.count - $0 * size, size))
        }
        let filled = written.filter { $0.count == size }.map(\.number)
        let parameters = try environment.read { try settledParameters(collection, for: filled, $0) }
        let candidates = filled.filter { $0 * size >= count }
        let whole = parameters == nil || candidates.count > Self.blocksInMemory ? [] : candidates
        // Written many at a time: a column of neighbouring blocks then lies in one piece, and searches walk fewer page tables.
        let waiting = derived.reduce(0) { $0 + ($1.bytes?.count ?? 0) }
        let isEnough =
            parameters == nil || derived.count >= Column.derived.count * Self.blocksTogether
            || waiting >= Self.bytesTogether
        // Where parameters are decided, all codes so far are made anew.
        let before = isEnough ? derived.filter { parameters != nil || !Column.codes.contains($0.key.column) } : []
        let values = try SharedWork.map(1 + whole.count, threads: SharedWork.processorCount) { part -> [DerivedValue] in
            if part > 0, let parameters {
                let block = whole[part - 1]
                return rows.derived(collection, block, from: block * size - count, parameters)
            }
            try environment.write { transaction in
                try put(before, transaction)
                try putStored(rows, firstID: firstID, to: collection, after: count, transaction)
                try derive(collection, written.filter { !whole.contains($0.number) }, transaction)
            }
            return []
        }
        derived = (isEnough ? [] : derived) + values.flatMap { $0 }
    }

    /// What is derived of so many blocks is written at once, or so many bytes.
    private static var blocksTogether: Int { 24 }
    private static var bytesTogether: Int { 24 << 20 }

    /// What is derived of so many blocks of a piece may be made in memory, 24 MB at D = 768, while at most as much and what
    /// is written at once waits; pieces have more where D is below 256, and columns of theirs are small.
    private static var blocksInMemory: Int { 32 }

    /// The stored columns of rows that are appended.
    private func putStored(
        _ rows: RowColumns, firstID: Int64, to collection: Collection, after count: Int, _ transaction: LMDBTransaction
    ) throws {
        let size = GaussianCodec.slotsPerBlock
        var next = 0
        while next < rows.count {
            let (block, slot) = ((count + next) / size, (count + next) % size)
            let taken = next..<min(rows.count, next + size - slot)
            for column in Column.stored {
                let key = BlockKey(collection, column, block)
                let rowSize = column.rowSize(dimension: dimension)
                let stored =
                    slot == 0
                    ? [] : Array(try self.rows(collection, column, block, count: slot, transaction, checkingSum: true))
                let total = slot + taken.count
                try transaction.put(key.bytes, size: GaussianCodec.valueSize(rowBytes: total * rowSize)) { value in
                    GaussianCodec.frame(value, key, count: total, rowSize: rowSize) { out in
                        out.copyBytes(from: stored)
                        rows.copy(
                            column, taken, firstID: firstID, dimension: dimension,
                            to: UnsafeMutableRawBufferPointer(rebasing: out[stored.count...]))
                    }
                }
            }
            next = taken.upperBound
        }
    }
}

extension Catalogue {
    /// Writes rows into the catalogue, ends the items they replace, and begins the next generation.
    fileprivate static func record(_ rows: PendingRows, _ database: Database) throws {
        var blocks: [Int: LiveBlock] = [:]
        func change(_ number: Int, _ body: (inout LiveBlock) -> Void) throws {
            var block =
                try blocks[number] ?? block(rows.collection, number, database)
                ?? LiveBlock(number: number, count: 0, live: LiveBitmap())
            body(&block)
            blocks[number] = block
        }
        for place in rows.replaced {
            try change(place.placement.block) { $0.live[place.placement.slot] = false }
            try delete(place.id, database)
        }
        let source = try identify(rows.source, database)
        let insertion = try database.cachedStatement(
            sql: """
                INSERT INTO item (id, collection, source, name, block, slot, total_variance) VALUES (?, ?, ?, ?, ?, ?, ?)
                """)
        let size = GaussianCodec.slotsPerBlock
        for (row, name) in rows.names.enumerated() {
            let (block, slot) = (rows.firstSlot + row).quotientAndRemainder(dividingBy: size)
            if row == 0 || slot == 0 {
                let slots = slot..<min(slot + rows.count - row, size)
                try change(block) { block in
                    for slot in slots { block.live[slot] = true }
                    block.count = max(block.count, slots.upperBound)
                }
            }
            try insertion.execute(arguments: [
                rows.firstID + Int64(row), rows.collection.rawValue, source, Data(name), block, slot,
                rows.totalVariances[row],
            ])
        }
        for block in blocks.values { try set(block, rows.collection, database) }
        try advance(to: ItemID(rawValue: rows.firstID + Int64(rows.count)), database)
    }
}
