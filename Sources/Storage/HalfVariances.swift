// Log variances to scaled variances in half precision: the derived column that inclusion reads first. Layout: CKernels.h.
import CKernels
import Gaussians

/// Half-precision variances of a full block.
package enum HalfVariances {
    /// The version of the column this code writes, and the only one it reads.
    package static let derivation = GaussianCodec.Derivation(version: 1, fingerprint: 0)

    /// The rows of `Column.halfVariances` of a full block.
    /// - Parameter logVariances: [256, D].
    /// - Returns: the rows, the same bytes on every machine; nil where all items are points, which nothing includes.
    package static func encode(logVariances: UnsafeRawBufferPointer) -> [UInt8]? {
        let size = GaussianCodec.slotsPerBlock
        let dimension = logVariances.count / 4 / size
        precondition(dimension > 0 && logVariances.count == 4 * size * dimension, "a full block")
        let floats = [Float](unsafeUninitializedCapacity: size * dimension) { out, count in
            UnsafeMutableRawBufferPointer(out).copyMemory(from: logVariances)
            count = size * dimension
        }
        guard (0..<size).contains(where: { floats[$0 * dimension] != -.infinity }) else { return nil }
        var scratch = [Float](repeating: 0, count: dimension)
        // Rows are handed out as bytes; the kernel wants room for doubles.
        var column = [Double](repeating: 0, count: (size * pk_half_row_size(dimension) + 7) / 8)
        pk_encode_halves(floats, dimension, &scratch, &column)
        return column.withUnsafeBytes { Array($0.prefix(size * pk_half_row_size(dimension))) }
    }

    /// The value of the column of a full block, to be stored; `logVariances` as of `encode`.
    static func value(_ collection: Collection, _ block: Int, logVariances: UnsafeRawBufferPointer) -> DerivedValue {
        let key = BlockKey(collection, .halfVariances, block)
        let dimension = logVariances.count / 4 / GaussianCodec.slotsPerBlock
        let bytes = encode(logVariances: logVariances).map { rows in
            GaussianCodec.value(
                key, rows: rows, rowSize: key.column.rowSize(dimension: dimension), derivation: derivation)
        }
        return DerivedValue(key: key, bytes: bytes)
    }
}

extension VectorStore {
    /// Writes the half-precision variances of full blocks, ascending.
    /// - Parameters:
    ///   - collection: whose blocks they are.
    ///   - blocks: ascending.
    ///   - checkingSum: whether the log variances may be damaged: then nothing is derived from them.
    ///   - transaction: a write transaction.
    /// - Throws: `StorageError`.
    func putHalves(
        _ collection: Collection, _ blocks: [Int], checkingSum: Bool = false, _ transaction: LMDBTransaction
    ) throws {
        let size = GaussianCodec.slotsPerBlock
        try putDerived(collection, blocks, transaction) { block in
            nonisolated(unsafe) let logVariances = try rows(
                collection, .logVariances, block, count: size, transaction, checkingSum: checkingSum)
            return { [HalfVariances.value(collection, block, logVariances: logVariances)] }
        }
    }

    /// The rows of a value of half-precision variances, or nil where a scan must do without.
    func halves(_ value: UnsafeRawBufferPointer?, _ key: BlockKey) -> UnsafeRawPointer? {
        derivedRows(
            value, key, rowSize: key.column.rowSize(dimension: dimension), derivation: HalfVariances.derivation)
    }

    /// Writes the half-precision variances of full blocks that have none a scan can use, 64 blocks a commit.
    /// - Parameters:
    ///   - collection: which of the two.
    ///   - slots: slots the catalogue knows in this collection, over all blocks.
    /// - Returns: blocks that were written.
    /// - Throws: `StorageError` for a damaged block, or when the store cannot be written.
    @discardableResult
    package func makeMissingHalves(_ collection: Collection, slots: Int) throws -> Int {
        let (size, step) = (GaussianCodec.slotsPerBlock, 64)
        let missing = try environment.read { transaction in
            try (0..<(slots / size)).filter { block in
                let key = BlockKey(collection, .halfVariances, block)
                guard halves(try transaction.value(key.bytes), key) == nil else { return false }
                return HalfVariances.encode(
                    logVariances: try rows(collection, .logVariances, block, count: size, transaction)) != nil
            }
        }
        for first in stride(from: 0, to: missing.count, by: step) {
            try environment.write { transaction in
                let blocks = Array(missing[first..<min(first + step, missing.count)])
                try putHalves(collection, blocks, checkingSum: true, transaction)
            }
        }
        return missing.count
    }

    /// What is wrong with the half-precision variances of a full block; absent or outdated ones are not wrong.
    func flaw(
        ofHalves collection: Collection, _ block: Int, logVariances: UnsafeRawBufferPointer,
        _ transaction: LMDBTransaction
    ) throws -> String? {
        let key = BlockKey(collection, .halfVariances, block)
        guard let value = try transaction.value(key.bytes),
            GaussianCodec.derivation(value) == HalfVariances.derivation
        else { return nil }
        do {
            let rows = try GaussianCodec.rows(
                value, key, rowSize: key.column.rowSize(dimension: dimension), path: environment.path,
                checkingSum: true)
            guard let expected = HalfVariances.encode(logVariances: logVariances) else { return "points have none" }
            return rows.elementsEqual(expected) ? nil : "the variances are not those of its Gaussians"
        } catch StorageError.damagedBlock(_, _, _, _, let reason) {
            return reason
        }
    }
}

/// A block as a scan by inclusion reads it: pointers are valid as long as the snapshot they come from.
package struct InclusionBlock: @unchecked Sendable {  // reads what nobody writes
    /// What the catalogue says of it; `live` holds what may answer.
    package let block: LiveBlock
    /// Ids, means, scalars.
    package let view: BlockView
    /// [count, D] log variances.
    package let logVariances: UnsafePointer<Float>
    /// The column of half-precision variances; nil where a scan must do without.
    package let halves: UnsafeRawPointer?
    private let dimension: Int

    fileprivate init(
        _ block: LiveBlock, _ view: BlockView, _ logVariances: UnsafePointer<Float>, _ halves: UnsafeRawPointer?,
        _ dimension: Int
    ) {
        (self.block, self.view, self.logVariances, self.halves) = (block, view, logVariances, halves)
        self.dimension = dimension
    }

    /// The Gaussian of a slot.
    package func gaussian(_ slot: Int) -> Gaussian {
        func row(_ base: UnsafePointer<Float>) -> [Float] {
            Array(UnsafeBufferPointer(start: base + slot * dimension, count: dimension))
        }
        return Gaussian(mean: row(view.means), logVariance: row(logVariances))
    }
}

extension Snapshot {
    /// The blocks of a collection that hold items that may answer, in order, for threads to read.
    /// - Throws: `StorageError` for a damaged index.
    package func inclusionBlocks(of collection: Collection) throws -> [InclusionBlock] {
        let blocks = try blocks(of: collection)
        let values = try vectors.values(of: .halfVariances, collection, transaction)
        return try blocks.map { block in
            let value = block.number < values.count ? values[block.number] : nil
            let rows = try vectors.rows(collection, .logVariances, block.number, count: block.count, transaction)
            guard let base = rows.baseAddress, Int(bitPattern: base) % MemoryLayout<Float>.alignment == 0 else {
                throw StorageError.damagedBlock(
                    path: vectors.environment.path, collection: collection, block: block.number,
                    column: "\(Column.logVariances)", reason: "misaligned")
            }
            return InclusionBlock(
                block, try view(block, of: collection), base.assumingMemoryBound(to: Float.self),
                vectors.halves(value, BlockKey(collection, .halfVariances, block.number)), state.dimension)
        }
    }
}
