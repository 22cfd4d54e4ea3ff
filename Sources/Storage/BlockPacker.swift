// Rows in ascending order of ids to full blocks of a new folder of vectors.
import GRDB
import Gaussians

/// Packs the rows of one collection densely, a block at a time.
///
/// At most `pending` bytes and one block are in memory.
struct BlockPacker {
    let collection: Collection
    private let target: VectorStore
    private var columns: [Column: [UInt8]] = [:]
    private var finished: [(block: Int, columns: [Column: [UInt8]])] = []
    private var pending = 0
    /// Rows taken in so far.
    private(set) var count = 0

    init(_ collection: Collection, into target: VectorStore) {
        self.collection = collection
        self.target = target
    }

    /// Takes in the rows of some slots of a block.
    /// - Parameters:
    ///   - slots: ascending.
    ///   - rows: the stored columns, each reaching beyond the last of the slots.
    /// - Throws: `StorageError` when the disk is full.
    mutating func append(_ slots: some Sequence<Int>, of rows: [Column: UnsafeRawBufferPointer]) throws {
        for slot in slots {
            for (column, bytes) in rows {
                let size = column.rowSize(dimension: target.dimension)
                columns[column, default: []] += bytes[(bytes.startIndex + slot * size)...].prefix(size)
            }
            try advance()
        }
    }

    /// Takes in one item.
    mutating func append(_ id: ItemID, _ gaussian: Gaussian) throws {
        GaussianCodec.append(id, gaussian, to: &columns)
        try advance()
    }

    private mutating func advance() throws {
        count += 1
        if count % GaussianCodec.slotsPerBlock == 0 { try finishBlock() }
    }

    private mutating func finishBlock() throws {
        finished.append(((count - 1) / GaussianCodec.slotsPerBlock, columns))
        pending += columns.values.reduce(0) { $0 + $1.count }
        columns = [:]
        if pending > 32 << 20 { try flush() }
    }

    private mutating func flush() throws {
        let (target, collection, blocks) = (target, collection, finished)
        try target.environment.write { transaction in
            let written = try blocks.map { try target.put(collection, $0.block, $0.columns, transaction) }
            try target.derive(collection, written, transaction)
        }
        finished = []
        pending = 0
    }

    /// Writes what is left.
    mutating func finish() throws {
        if !columns.isEmpty { try finishBlock() }
        if !finished.isEmpty { try flush() }
    }
}

extension VectorStore {
    /// The stored columns of a block, checksums verified.
    func storedColumns(
        _ collection: Collection, _ block: Int, count: Int, _ transaction: LMDBTransaction
    ) throws -> [Column: UnsafeRawBufferPointer] {
        var columns: [Column: UnsafeRawBufferPointer] = [:]
        for column in Column.stored {
            columns[column] = try rows(collection, column, block, count: count, transaction, checkingSum: true)
        }
        return columns
    }

    /// Bytes that so many slots take in LMDB, page by page.
    func bytes(slots: Int) -> Int {
        let (full, rest) = slots.quotientAndRemainder(dividingBy: GaussianCodec.slotsPerBlock)
        func bytes(rows: Int) -> Int {
            Column.allCases.reduce(0) { total, column in
                let value = GaussianCodec.headerSize + rows * column.rowSize(dimension: dimension)
                return total + (16 + max(value, GaussianCodec.minimumSize) + 4_095) / 4_096 * 4_096
            }
        }
        return full * bytes(rows: GaussianCodec.slotsPerBlock) + (rest > 0 ? bytes(rows: rest) : 0)
    }
}

extension Catalogue {
    /// Makes the catalogue name a folder of densely packed vectors: name, blocks and placements together.
    /// - Parameters:
    ///   - vectors: the new folder, complete and synced.
    ///   - name: what the folder is called.
    ///   - rows: how many rows each collection has there, from block 0 on without gaps, all live.
    ///   - firstMoved: rows before this one lie where they did, by collection; missing: all may have moved.
    ///   - database: a write transaction.
    /// - Throws: `StorageError.system` when the folder holds a row of no item, or an item has no row.
    static func adopt(
        _ vectors: VectorStore, named name: String, rows: [Collection: Int], firstMoved: [Collection: Int] = [:],
        _ database: Database
    ) throws {
        let move = try database.makeStatement(
            sql: "UPDATE item SET block = ?, slot = ?, total_variance = ? WHERE id = ? AND collection = ?")
        try database.execute(sql: "DELETE FROM block")
        try vectors.environment.read { transaction in
            for collection in Collection.allCases {
                let total = rows[collection] ?? 0
                for start in stride(from: 0, to: total, by: GaussianCodec.slotsPerBlock) {
                    let count = min(GaussianCodec.slotsPerBlock, total - start)
                    var block = LiveBlock(number: start / GaussianCodec.slotsPerBlock, count: count, live: LiveBitmap())
                    for slot in 0..<count { block.live[slot] = true }
                    try set(block, collection, database)
                    let view = try vectors.view(collection, block, transaction)
                    for slot in 0..<count where start + slot >= firstMoved[collection] ?? 0 {
                        try move.execute(arguments: [
                            block.number, slot, view.scalars[2 * slot + 1], Int64(view.ids[slot]), collection.rawValue,
                        ])
                        guard database.changesCount == 1 else { throw contradiction(vectors, collection) }
                    }
                }
                guard try count(collection, database) == total else { throw contradiction(vectors, collection) }
            }
        }
        try database.execute(sql: "UPDATE state SET vectors = ?, generation = generation + 1", arguments: [name])
    }

    private static func contradiction(_ vectors: VectorStore, _ collection: Collection) -> StorageError {
        .system(
            path: vectors.environment.path, operation: "optimize",
            reason: "the live \(collection) are not those of the catalogue; penumbra verify says more")
    }
}
