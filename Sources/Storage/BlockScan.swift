// The bytes of a damaged `data.mdb` to the blocks in it that are sound, without LMDB, which the damage could kill.
import Gaussians
import Glibc

/// The sound values of a vectors file, found by their headers and checksums.
///
/// Values lie 16 bytes into a page and describe themselves. A block whose tail was rewritten may be found several times: LMDB
/// reuses pages, but not at once. Every version is kept; what the catalogue says decides between them.
final class BlockScan {
    private struct Version {
        let offset: Int
        let size: Int
    }
    private let descriptor: Int32
    private let path: String
    private let dimension: Int
    private var versions: [BlockKey: [Version]] = [:]
    /// The block looked at last, loaded.
    private var loaded: (collection: Collection, block: Int, rows: SoundRows)?

    /// Reads a file from end to end.
    /// - Throws: `StorageError.system` when it cannot be opened; what cannot be read in it is left out.
    init(file: String, dimension: Int) throws {
        descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageError.lmdb(errno, "open", file) }
        path = file
        self.dimension = dimension
        let size = Entry(file).size
        let chunk = 4 << 20
        for start in stride(from: 0, to: size, by: chunk) {
            let bytes = read(start, chunk)
            for page in stride(from: 0, to: bytes.count, by: 4_096) { look(start + page, bytes[page...].prefix(64)) }
        }
    }

    deinit { close(descriptor) }

    /// Bytes of the file; fewer where it ends or cannot be read.
    private func read(_ offset: Int, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
            while length < count, let base = buffer.baseAddress {
                let got = pread(descriptor, base + length, count - length, off_t(offset + length))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { return }
                length += got
            }
        }
    }

    /// Notes a value that begins in a page, if it is whole.
    private func look(_ page: Int, _ bytes: ArraySlice<UInt8>) {
        let header = Array(bytes.dropFirst(16))
        guard let (key, count) = header.withUnsafeBytes(GaussianCodec.peek), Column.stored.contains(key.column) else {
            return
        }
        let size = GaussianCodec.headerSize + count * key.column.rowSize(dimension: dimension)
        let value = read(page + 16, size)
        guard value.withUnsafeBytes({ (try? rows($0, key)) != nil }) else { return }
        versions[key, default: []].append(Version(offset: page + 16, size: size))
    }

    private func rows(_ value: UnsafeRawBufferPointer, _ key: BlockKey) throws -> UnsafeRawBufferPointer {
        try GaussianCodec.rows(
            value, key, rowSize: key.column.rowSize(dimension: dimension), path: path, checkingSum: true)
    }

    /// The most rows of a sound version of a column.
    func rows(_ key: BlockKey) -> Int {
        let sizes = (versions[key] ?? []).map(\.size)
        return ((sizes.max() ?? GaussianCodec.headerSize) - GaussianCodec.headerSize)
            / key.column.rowSize(dimension: dimension)
    }

    /// The Gaussian of an item, if it is there and beyond doubt.
    /// - Parameters:
    ///   - collection: which of the two it is in.
    ///   - item: whose, and where the catalogue says it lies.
    ///   - totalVariance: what the catalogue says of it; nil where it does not say.
    /// - Returns: the Gaussian, or nil where its rows are damaged, another item's, or several versions of them contradict
    ///   each other.
    func gaussian(_ collection: Collection, _ item: PlacedItem, totalVariance: Double?) -> Gaussian? {
        let block = item.placement.block
        guard block >= 0, block < 1 << 32, (0..<GaussianCodec.slotsPerBlock).contains(item.placement.slot) else {
            return nil
        }
        if loaded?.collection != collection || loaded?.block != block {
            loaded = (collection, block, load(collection, block))
        }
        return loaded?.rows.gaussian(item, totalVariance: totalVariance)
    }

    private func load(_ collection: Collection, _ block: Int) -> SoundRows {
        var columns: [Column: [[UInt8]]] = [:]
        for column in Column.stored {
            let key = BlockKey(collection, column, block)
            columns[column] = (versions[key] ?? []).compactMap { version in
                read(version.offset, version.size).withUnsafeBytes { (try? rows($0, key)).map(Array.init) }
            }
        }
        return SoundRows(dimension: dimension, columns: columns)
    }
}

/// The sound versions of one block's columns.
struct SoundRows {
    let dimension: Int
    let columns: [Column: [[UInt8]]]

    /// The different rows of a slot in the versions of a column.
    private func rows(_ column: Column, _ slot: Int) -> [[UInt8]] {
        let size = column.rowSize(dimension: dimension)
        let all = (columns[column] ?? []).filter { $0.count >= (slot + 1) * size }
        return Array(Set(all.map { Array($0[(slot * size)..<((slot + 1) * size)]) }))
    }

    func gaussian(_ item: PlacedItem, totalVariance: Double?) -> Gaussian? {
        let slot = item.placement.slot
        let ids = rows(.ids, slot).map { $0.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) } }
        guard ids.isEmpty || ids.contains(item.id) else { return nil }
        let scalars = rows(.scalars, slot).map {
            $0.withUnsafeBytes { bytes in
                (bytes.loadUnaligned(as: Double.self), bytes.loadUnaligned(fromByteOffset: 8, as: Double.self))
            }
        }
        var found: [Gaussian] = []
        for mean in rows(.means, slot) {
            for logVariance in rows(.logVariances, slot) {
                let gaussian = mean.withUnsafeBytes { mean in
                    logVariance.withUnsafeBytes {
                        GaussianCodec.gaussian(slot: 0, dimension: dimension, means: mean, logVariances: $0)
                    }
                }
                guard gaussian.isFinite, abs(gaussian.squaredNorm.squareRoot() - 1) <= 1e-3 else { continue }
                let variance = gaussian.totalVariance
                guard totalVariance.map({ Gaussian.areSame($0, variance) }) != false else { continue }
                let areStored = scalars.contains { $0 == gaussian.squaredNorm && Gaussian.areSame($1, variance) }
                guard scalars.isEmpty || areStored else { continue }
                found.append(gaussian)
            }
        }
        return found.count == 1 ? found[0] : nil
    }
}

extension GaussianCodec {
    /// What a value's header says that it is: which block and column, and how many rows; nil where it is no header.
    static func peek(_ bytes: UnsafeRawBufferPointer) -> (BlockKey, rows: Int)? {
        guard bytes.count >= headerSize, bytes.loadUnaligned(as: UInt32.self) == magic,
            let column = Column(rawValue: bytes[6]), let collection = Collection(rawValue: Int(bytes[7]))
        else { return nil }
        let count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
        let block = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
        guard count <= slotsPerBlock else { return nil }
        return (BlockKey(collection, column, block), count)
    }
}
