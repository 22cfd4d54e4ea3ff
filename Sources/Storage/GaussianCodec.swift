// Gaussians to the bytes of a block's columns, and back. See DESIGN section 5, "Stored format, version 1".
import CKernels
import Gaussians

/// The columns a block is stored in, one value per column, rows in slot order.
package enum Column: UInt8, Sendable, CaseIterable {
    /// Item ids, UInt64, ascending.
    case ids = 0
    /// Means, [D] Float32.
    case means = 1
    /// Log variances, [D] Float32.
    case logVariances = 2
    /// Squared length of the mean and total variance, [2] Float64.
    case scalars = 3
    /// Means in two to three bits a dimension, with what bounds need: the arrangement of a whole block, see CKernels.h.
    case coarseCodes = 16
    /// Means in eight bits a dimension, a row an item.
    case fineCodes = 17
    /// Variances in half precision, scaled, with the sums of their logarithms: the arrangement of a whole block.
    case halfVariances = 18
    /// What coarse codes leave of the means, in two bits a dimension, a row an item.
    case residualCodes = 19

    /// What every block has: the index itself.
    package static let stored: [Column] = [.ids, .means, .logVariances, .scalars]
    /// What can be made from the stored columns, may be missing, and only full blocks have.
    package static let derived: [Column] = codes + [.halfVariances]
    /// Those made from means, with `CodeParameters`.
    package static let codes: [Column] = [.coarseCodes, .residualCodes, .fineCodes]

    /// Bytes of one slot's row; of coarse codes at most, their parameters say.
    package func rowSize(dimension: Int) -> Int {
        switch self {
        case .ids: 8
        case .means, .logVariances: 4 * dimension
        case .scalars: 16
        case .coarseCodes: 13 + 4 * ((dimension + 7) / 8)
        case .residualCodes: pk_residual_row_size(dimension)
        case .fineCodes: pk_fine_row_size(dimension)
        case .halfVariances: pk_half_row_size(dimension)
        }
    }
}

/// Which value of the vector store: one column of one block of one collection.
package struct BlockKey: Sendable, Hashable {
    package var collection: Collection
    package var column: Column
    package var block: Int

    package init(_ collection: Collection, _ column: Column, _ block: Int) {
        self.collection = collection
        self.column = column
        self.block = block
    }

    /// Six bytes, so that LMDB's order is collection, column, block.
    package var bytes: [UInt8] {
        [
            UInt8(collection.rawValue), column.rawValue, UInt8(truncatingIfNeeded: block >> 24),
            UInt8(truncatingIfNeeded: block >> 16), UInt8(truncatingIfNeeded: block >> 8),
            UInt8(truncatingIfNeeded: block),
        ]
    }
}

/// Writes and reads the values of the vector store.
///
/// A value is a 48-byte header, the rows, and zeros up to at least 4,096 bytes. LMDB places values of that size 16 bytes
/// into a page, so the rows begin at a multiple of 64 and are scanned where they lie. All numbers are little-endian:
///
///     0 magic "PNB1"   4 format u16   6 column u8   7 collection u8   8 block u32   12 rows u32   16 row size u32
///     20 CRC-32C u32 of the header (this field zero) and the rows
///     24 version u32 and 28 fingerprint u32 of what a derived column was made with   32 zeros
package enum GaussianCodec {
    /// Slots of a block.
    package static let slotsPerBlock = 256
    /// Bytes before the rows.
    package static let headerSize = 48
    /// Values are padded to this size, so that LMDB aligns them.
    package static let minimumSize = 4_096
    /// The format this code writes, and the newest it reads.
    package static let format = 1
    static let magic: UInt32 = 0x3142_4E50

    /// What a derived column was made with.
    package struct Derivation: Equatable, Sendable {
        /// The version of the column's layout, from 1.
        package let version: UInt32
        /// Tells parameters apart.
        package let fingerprint: UInt32

        package init(version: UInt32, fingerprint: UInt32) {
            self.version = version
            self.fingerprint = fingerprint
        }
    }

    /// What a value of a derived column says it was made with; nil for what is no block.
    package static func derivation(_ value: UnsafeRawBufferPointer) -> Derivation? {
        guard value.count >= headerSize, load(value, 0, UInt32.self) == magic else { return nil }
        return Derivation(version: load(value, 24, UInt32.self), fingerprint: load(value, 28, UInt32.self))
    }

    /// Frames rows as a value.
    /// - Parameters:
    ///   - key: which block and column.
    ///   - rows: the concatenated rows of the column.
    ///   - rowSize: bytes of a row.
    ///   - derivation: what a derived column was made with; nil for a stored one.
    /// - Returns: what the store keeps under `key`.
    package static func value(_ key: BlockKey, rows: [UInt8], rowSize: Int, derivation: Derivation? = nil) -> [UInt8] {
        var value = [UInt8](repeating: 0, count: valueSize(rowBytes: rows.count))
        value.withUnsafeMutableBytes { value in
            frame(value, key, count: rows.count / rowSize, rowSize: rowSize, derivation) { $0.copyBytes(from: rows) }
        }
        return value
    }

    /// Bytes of a value whose rows take so many.
    static func valueSize(rowBytes: Int) -> Int { max(headerSize + rowBytes, minimumSize) }

    /// Builds a value where it lies.
    /// - Parameters:
    ///   - value: `valueSize` bytes, uninitialised.
    ///   - key: which block and column.
    ///   - count: rows.
    ///   - rowSize: bytes of a row.
    ///   - derivation: what a derived column was made with; nil for a stored one.
    ///   - fill: writes all the rows' bytes.
    static func frame(
        _ value: UnsafeMutableRawBufferPointer, _ key: BlockKey, count: Int, rowSize: Int,
        _ derivation: Derivation? = nil,
        fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        let end = headerSize + count * rowSize
        UnsafeMutableRawBufferPointer(rebasing: value[..<headerSize]).initializeMemory(as: UInt8.self, repeating: 0)
        UnsafeMutableRawBufferPointer(rebasing: value[end...]).initializeMemory(as: UInt8.self, repeating: 0)
        value.storeBytes(of: magic.littleEndian, toByteOffset: 0, as: UInt32.self)
        value.storeBytes(of: UInt16(format).littleEndian, toByteOffset: 4, as: UInt16.self)
        value[6] = key.column.rawValue
        value[7] = UInt8(key.collection.rawValue)
        value.storeBytes(of: UInt32(key.block).littleEndian, toByteOffset: 8, as: UInt32.self)
        value.storeBytes(of: UInt32(count).littleEndian, toByteOffset: 12, as: UInt32.self)
        value.storeBytes(of: UInt32(rowSize).littleEndian, toByteOffset: 16, as: UInt32.self)
        if let derivation {
            value.storeBytes(of: derivation.version.littleEndian, toByteOffset: 24, as: UInt32.self)
            value.storeBytes(of: derivation.fingerprint.littleEndian, toByteOffset: 28, as: UInt32.self)
        }
        fill(UnsafeMutableRawBufferPointer(rebasing: value[headerSize..<end]))
        let crc = checksum(UnsafeRawBufferPointer(value), rowBytes: count * rowSize)
        value.storeBytes(of: crc.littleEndian, toByteOffset: 20, as: UInt32.self)
    }

    /// The rows of a value, in place.
    /// - Parameters:
    ///   - value: what the store holds under `key`.
    ///   - key: which block and column it should be.
    ///   - rowSize: bytes of a row.
    ///   - path: the store's folder, for messages.
    ///   - checkingSum: whether to compute the checksum; a scan does not.
    ///   - checkingPadding: whether to look at the bytes behind the rows, which nobody else does.
    /// - Returns: the rows, without header and padding.
    /// - Throws: `StorageError.damagedBlock` when header, size or checksum contradict the key.
    package static func rows(
        _ value: UnsafeRawBufferPointer, _ key: BlockKey, rowSize: Int, path: String, checkingSum: Bool = false,
        checkingPadding: Bool = false
    ) throws -> UnsafeRawBufferPointer {
        func damaged(_ reason: String) -> StorageError {
            .damagedBlock(
                path: path, collection: key.collection, block: key.block, column: "\(key.column)", reason: reason)
        }
        guard value.count >= headerSize, load(value, 0, UInt32.self) == magic else {
            throw damaged("not a block of Penumbra")
        }
        guard Int(load(value, 4, UInt16.self)) <= format else {
            throw StorageError.newerFormat(path: path, got: Int(load(value, 4, UInt16.self)), supported: format)
        }
        let count = Int(load(value, 12, UInt32.self))
        guard value[6] == key.column.rawValue, Int(value[7]) == key.collection.rawValue,
            Int(load(value, 8, UInt32.self)) == key.block
        else { throw damaged("the header names another block") }
        guard Int(load(value, 16, UInt32.self)) == rowSize, count <= slotsPerBlock,
            headerSize + count * rowSize <= value.count
        else { throw damaged("\(count) rows of \(load(value, 16, UInt32.self)) bytes, expected rows of \(rowSize)") }
        if checkingSum, checksum(value, rowBytes: count * rowSize) != load(value, 20, UInt32.self) {
            throw damaged("the checksum does not match")
        }
        let end = headerSize + count * rowSize
        let size = max(end, minimumSize)
        if checkingPadding, value.count != size || !value[end...].allSatisfy({ $0 == 0 }) {
            throw damaged("the padding is not zeros up to \(size) bytes")
        }
        return UnsafeRawBufferPointer(rebasing: value[headerSize..<end])
    }

    private static func load<T: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, _ offset: Int, _ type: T.Type
    ) -> T {
        T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }

    /// The CRC-32C of header (its own field zero) and rows.
    private static func checksum(_ value: UnsafeRawBufferPointer, rowBytes: Int) -> UInt32 {
        guard let base = value.baseAddress else { return 0 }
        let zeros: [UInt8] = [0, 0, 0, 0]
        var crc = pk_crc32c(0, base, 20)
        crc = pk_crc32c(crc, zeros, 4)
        return pk_crc32c(crc, base + 24, headerSize - 24 + rowBytes)
    }

    /// One item's rows, appended to the four columns of the block being built.
    package static func append(_ id: ItemID, _ gaussian: Gaussian, to columns: inout [Column: [UInt8]]) {
        withUnsafeBytes(of: UInt64(id.rawValue).littleEndian) { columns[.ids, default: []] += $0 }
        gaussian.mean.withUnsafeBytes { columns[.means, default: []] += $0 }
        gaussian.logVariance.withUnsafeBytes { columns[.logVariances, default: []] += $0 }
        withUnsafeBytes(of: gaussian.squaredNorm) { columns[.scalars, default: []] += $0 }
        withUnsafeBytes(of: gaussian.totalVariance) { columns[.scalars, default: []] += $0 }
    }

    /// The Gaussian of one slot.
    ///
    /// `means` and `logVariances` are the rows of the columns of those names.
    package static func gaussian(
        slot: Int, dimension: Int, means: UnsafeRawBufferPointer, logVariances: UnsafeRawBufferPointer
    ) -> Gaussian {
        func row(_ rows: UnsafeRawBufferPointer) -> [Float] {
            [Float](unsafeUninitializedCapacity: dimension) { out, count in
                UnsafeMutableRawBufferPointer(out).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: rows[(slot * dimension * 4)..<((slot + 1) * dimension * 4)]))
                count = dimension
            }
        }
        return Gaussian(mean: row(means), logVariance: row(logVariances))
    }
}
