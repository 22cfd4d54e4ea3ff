// Rows of Gaussians to blocks in LMDB, and blocks to pointers a scan can run over. Only ever gains: see DESIGN section 5.
import Gaussians

/// Where an item's rows lie.
package struct Placement: Sendable, Hashable {
    /// The block's number, from 0.
    package var block: Int
    /// The row in the block, 0 to 255.
    package var slot: Int

    package init(block: Int, slot: Int) {
        self.block = block
        self.slot = slot
    }
}

/// One block, in place: pointers are valid inside the closure that was handed it.
package struct BlockView: @unchecked Sendable {  // what the pointers point to is never written
    /// The block's number.
    package let number: Int
    /// Slots the catalogue knows; rows beyond are orphans of an interrupted run.
    package let count: Int
    /// Which of them are live.
    package let live: LiveBitmap
    /// [count] item ids.
    package let ids: UnsafePointer<UInt64>
    /// [count, D] means.
    package let means: UnsafePointer<Float>
    /// [count, 2]: squared length of the mean, total variance.
    package let scalars: UnsafePointer<Double>

    /// The same columns as another generation of the catalogue sees them.
    func seen(as block: LiveBlock) -> BlockView {
        BlockView(number: number, count: block.count, live: block.live, ids: ids, means: means, scalars: scalars)
    }
}

/// The vectors of one index: a folder `vectors-<n>/`.
package struct VectorStore: Sendable {
    /// The LMDB environment.
    package let environment: LMDBEnvironment
    /// D.
    package let dimension: Int
    let codeParametersCache = CodeParametersCache()
    let blockPointersCache = BlockPointersCache()
    private static let identityKey: [UInt8] = [0xFF]

    /// Opens the folder.
    /// - Throws: as `LMDBEnvironment.at`.
    package init(path: String, dimension: Int, isReadOnly: Bool = false, isNew: Bool = false) throws {
        environment = try LMDBEnvironment.at(path, isReadOnly: isReadOnly, isNew: isNew)
        self.dimension = dimension
    }

    /// Writes the index's uuid into a new folder.
    package func setIdentity(_ uuid: String) throws {
        try environment.write { try $0.put(Self.identityKey, Array(uuid.utf8)) }
    }

    /// Checks that the folder belongs to an index.
    /// - Throws: `StorageError.foreignVectors` with both uuids.
    package func checkIdentity(_ uuid: String) throws {
        let got = try environment.read { transaction in
            try transaction.value(Self.identityKey).map { String(decoding: $0, as: UTF8.self) } ?? "unknown"
        }
        guard got == uuid else {
            throw StorageError.foreignVectors(path: environment.path, got: got, expected: uuid)
        }
    }

    /// Appends items behind the first `count` slots of a collection, rewriting the tail block with more rows.
    ///
    /// Rows beyond `count` are what an interrupted run left; they are overwritten.
    /// - Parameters:
    ///   - items: ids ascending, all above those stored.
    ///   - collection: which of the two.
    ///   - count: slots the catalogue knows in this collection, over all blocks.
    ///   - transaction: a write transaction.
    /// - Returns: where each item lies, in order.
    /// - Throws: `StorageError` when the tail block is damaged or cannot be written.
    package func append(
        _ items: [(id: ItemID, gaussian: Gaussian)], to collection: Collection, after count: Int,
        _ transaction: LMDBTransaction
    ) throws -> [Placement] {
        let size = GaussianCodec.slotsPerBlock
        var placements: [Placement] = []
        var written: [WrittenBlock] = []
        var next = 0
        while next < items.count {
            let slot = (count + next) % size
            let block = (count + next) / size
            var columns = try tail(collection, block, rows: slot, transaction)
            let end = min(items.count, next + size - slot)
            for offset in next..<end {
                GaussianCodec.append(items[offset].id, items[offset].gaussian, to: &columns)
                placements.append(Placement(block: block, slot: slot + offset - next))
            }
            written.append(try put(collection, block, columns, transaction))
            next = end
        }
        try derive(collection, written, transaction)
        return placements
    }

    /// Writes the stored columns of a block, whole; `derive` is to be called with what it returns.
    func put(
        _ collection: Collection, _ block: Int, _ columns: [Column: [UInt8]], _ transaction: LMDBTransaction
    ) throws -> WrittenBlock {
        for (column, rows) in columns {
            let (key, rowSize) = (BlockKey(collection, column, block), column.rowSize(dimension: dimension))
            try transaction.put(key.bytes, size: GaussianCodec.valueSize(rowBytes: rows.count)) { value in
                GaussianCodec.frame(value, key, count: rows.count / rowSize, rowSize: rowSize) {
                    $0.copyBytes(from: rows)
                }
            }
        }
        let count = (columns[.ids]?.count ?? 0) / Column.ids.rowSize(dimension: dimension)
        return WrittenBlock(number: block, count: count)
    }

    /// Copies what is stored under keys that are no block's: the identity, and whatever else later versions keep.
    func copySpecialValues(to target: VectorStore, _ transaction: LMDBTransaction) throws {
        let first = UInt8((Collection.allCases.map(\.rawValue).max() ?? 0) + 1)
        try target.environment.write { output in
            try transaction.forEach(from: [first]) { key, value in
                try output.put(Array(key), Array(value))
                return true
            }
        }
    }

    /// The first `rows` rows of a block's columns, checksums verified.
    private func tail(
        _ collection: Collection, _ block: Int, rows: Int, _ transaction: LMDBTransaction
    ) throws -> [Column: [UInt8]] {
        guard rows > 0 else { return [:] }
        var columns: [Column: [UInt8]] = [:]
        for column in Column.stored {
            let stored = try self.rows(collection, column, block, count: rows, transaction, checkingSum: true)
            columns[column] = Array(stored)
        }
        return columns
    }

    /// The first `count` rows of one column, in place.
    /// - Throws: `StorageError.vectorsShort` when there are fewer; `.damagedBlock`.
    package func rows(
        _ collection: Collection, _ column: Column, _ block: Int, count: Int, _ transaction: LMDBTransaction,
        checkingSum: Bool = false, checkingPadding: Bool = false
    ) throws -> UnsafeRawBufferPointer {
        let key = BlockKey(collection, column, block)
        let rowSize = column.rowSize(dimension: dimension)
        func short(_ got: Int) -> StorageError {
            .vectorsShort(path: environment.path, collection: collection, block: block, got: got, expected: count)
        }
        guard let value = try transaction.value(key.bytes) else { throw short(0) }
        let rows = try GaussianCodec.rows(
            value, key, rowSize: rowSize, path: environment.path, checkingSum: checkingSum,
            checkingPadding: checkingPadding)
        guard rows.count >= count * rowSize else { throw short(rows.count / rowSize) }
        return UnsafeRawBufferPointer(rebasing: rows[..<(count * rowSize)])
    }

    /// One block's columns for a scan, in place.
    package func view(
        _ collection: Collection, _ block: LiveBlock, _ transaction: LMDBTransaction
    ) throws -> BlockView {
        func pointer<T>(_ column: Column, _ type: T.Type) throws -> UnsafePointer<T> {
            let rows = try rows(collection, column, block.number, count: block.count, transaction)
            guard let base = rows.baseAddress, Int(bitPattern: base) % MemoryLayout<T>.alignment == 0 else {
                throw StorageError.damagedBlock(
                    path: environment.path, collection: collection, block: block.number, column: "\(column)",
                    reason: "misaligned")
            }
            return base.assumingMemoryBound(to: type)
        }
        return BlockView(
            number: block.number, count: block.count, live: block.live, ids: try pointer(.ids, UInt64.self),
            means: try pointer(.means, Float.self), scalars: try pointer(.scalars, Double.self))
    }

    /// The Gaussian at a placement.
    package func gaussian(
        _ collection: Collection, _ placement: Placement, _ transaction: LMDBTransaction
    ) throws -> Gaussian {
        let count = placement.slot + 1
        return GaussianCodec.gaussian(
            slot: placement.slot, dimension: dimension,
            means: try rows(collection, .means, placement.block, count: count, transaction),
            logVariances: try rows(collection, .logVariances, placement.block, count: count, transaction))
    }

    /// Removes blocks from `number` on: what an interrupted run left beyond the catalogue.
    /// - Returns: the number of blocks removed.
    package func removeBlocks(_ collection: Collection, from number: Int, _ transaction: LMDBTransaction) throws -> Int
    {
        var block = number
        while try removeBlock(collection, block, transaction) { block += 1 }
        return block - number
    }

    private func removeBlock(_ collection: Collection, _ block: Int, _ transaction: LMDBTransaction) throws -> Bool {
        var found = false
        for column in Column.allCases {
            let removed = try transaction.remove(BlockKey(collection, column, block).bytes)
            found = removed || found
        }
        return found
    }
}

extension VectorStore {
    /// The rows of a full block's derived column, 16 bytes aligned, or nil where its reader must do without: it is absent,
    /// was made with something else, or contradicts its header.
    func derivedRows(
        _ value: UnsafeRawBufferPointer?, _ key: BlockKey, rowSize: Int, derivation: GaussianCodec.Derivation
    ) -> UnsafeRawPointer? {
        guard let value, GaussianCodec.derivation(value) == derivation,
            let rows = try? GaussianCodec.rows(value, key, rowSize: rowSize, path: environment.path),
            rows.count == GaussianCodec.slotsPerBlock * rowSize, let base = rows.baseAddress,
            Int(bitPattern: base) % 16 == 0
        else { return nil }
        return UnsafeRawPointer(base)
    }
}
