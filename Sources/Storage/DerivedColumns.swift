// Full blocks to their derived columns, made on all cores and written one after the other.
import Gaussians

/// A block whose stored columns have just been written.
struct WrittenBlock {
    let number: Int
    /// Rows.
    let count: Int
}

/// A derived column of a block.
struct DerivedValue: Sendable {
    let key: BlockKey
    /// What is to be stored; nil for nothing.
    let bytes: [UInt8]?
}

extension VectorStore {
    /// Makes and writes what is derived from blocks that were just written, and removes it where a block is not full.
    ///
    /// Everything that writes blocks ends here, but whole blocks of an import: theirs are made from memory.
    /// - Parameters:
    ///   - collection: whose blocks they are.
    ///   - blocks: ascending.
    ///   - transaction: the write transaction that wrote them.
    /// - Throws: `StorageError`.
    func derive(_ collection: Collection, _ blocks: [WrittenBlock], _ transaction: LMDBTransaction) throws {
        let size = GaussianCodec.slotsPerBlock
        try remove(Column.derived, collection, blocks.filter { $0.count < size }.map(\.number), transaction)
        let full = blocks.filter { $0.count == size }.map(\.number)
        guard !full.isEmpty else { return }
        try putCodes(collection, full, transaction)
        try putHalves(collection, full, transaction)
    }

    /// Makes and writes derived columns of some blocks.
    /// - Parameters:
    ///   - collection: whose blocks they are.
    ///   - blocks: ascending.
    ///   - transaction: a write transaction.
    ///   - prepare: finds what is read of a block, which nobody writes until its values are made, and returns what makes
    ///     them: on any thread, without the transaction.
    /// - Throws: `StorageError`, or what `prepare` throws.
    func putDerived(
        _ collection: Collection, _ blocks: [Int], _ transaction: LMDBTransaction,
        _ prepare: (Int) throws -> @Sendable () -> [DerivedValue]
    ) throws {
        let threads = SharedWork.processorCount
        let step = 4 * threads  // what is made waits in memory: three quarters of a megabyte a block at D = 768
        for first in stride(from: 0, to: blocks.count, by: step) {
            // What is written moves what was read: each time, all is read before anything is written.
            let makers = try blocks[first..<min(first + step, blocks.count)].map(prepare)
            let values = SharedWork.map(makers.count, threads: threads) { makers[$0]() }
            try put(values.flatMap { $0 }, transaction)
        }
    }

    /// Writes derived columns of some blocks: each column in one piece, as searches read it.
    ///
    /// A value of another size is removed first: LMDB would leave a smaller one in the pages of the larger, which then say
    /// too much.
    func put(_ values: [DerivedValue], _ transaction: LMDBTransaction) throws {
        for value in values.sorted(by: { $0.key.column.rawValue < $1.key.column.rawValue }) {
            let key = value.key.bytes
            if let old = try transaction.value(key), old.count != value.bytes?.count {
                _ = try transaction.remove(key)
            }
            if let bytes = value.bytes { try transaction.put(key, bytes) }
        }
    }

    /// Removes columns of some blocks, where they are.
    func remove(
        _ columns: [Column], _ collection: Collection, _ blocks: [Int], _ transaction: LMDBTransaction
    ) throws {
        for block in blocks {
            for column in columns { _ = try transaction.remove(BlockKey(collection, column, block).bytes) }
        }
    }
}
