// One file of remembered queries: a text's digest to a slot, and a slot to a Gaussian with what was lost on the way.
import Crypto
import Encoders
import Gaussians
import Glibc

/// A table of encoded texts in one file, of a size that its dimension fixes.
///
/// The digest of a text chooses a row of slots; a new text takes the row's empty slot or the one written longest ago. A slot,
/// little-endian, is
///
///     0 checksum [32]: SHA-256 of the table's key and the rest of the slot   32 digest of the text [32]
///     64 seconds since 1970, i64   72 flags u32: 1 in use, 2 truncated   76 bytes of unknown characters u32
///     80 unknown characters, each ended by a zero byte, [176]   256 mean [D] f32   log variance [D] f32
///
/// Readers take no lock: a slot that is being written fails its checksum.
struct QueryTable {
    static let suffix = ".queries"
    private static let rows = 128
    private static let slotsPerRow = 8
    private static let unknownSize = 176
    private static let headSize = 256

    let path: String
    private let key: [UInt8]
    private let dimension: Int
    private let isPoint: Bool
    private var slotSize: Int { Self.headSize + 8 * dimension }
    private var fileSize: Int { Self.rows * Self.slotsPerRow * slotSize }

    /// The table of a key, which may not exist yet.
    init(folder: String, key: [UInt8], dimension: Int, isPoint: Bool) {
        let name = key.prefix(12).map(Self.hexadecimal).joined()
        // The dimension is in the name so that a file's slots can be counted without opening its model.
        path = "\(folder)/\(name)-\(dimension)\(Self.suffix)"
        self.key = key
        self.dimension = dimension
        self.isPoint = isPoint
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16)
        return byte < 16 ? "0\(text)" : text
    }

    // MARK: Reading

    /// The text as it was encoded, or nil.
    /// - Throws: `FileError` when there is a file that is no such table.
    func find(_ text: String) throws -> EncodedText? {
        let file = try open(O_RDONLY)
        guard let file else { return nil }
        defer { close(file) }
        let digest = digest(text)
        let slots = try read(file, row: row(digest))
        for slot in slots where slot[32..<64].elementsEqual(digest) {
            if let encoded = decode(slot) { return encoded }
        }
        return nil
    }

    /// A slot's content; nil where its checksum is wrong.
    private func decode(_ slot: [UInt8]) -> EncodedText? {
        guard checksum(slot).elementsEqual(slot[..<32]) else { return nil }
        return slot.withUnsafeBytes { bytes in
            let flags = bytes.loadUnaligned(fromByteOffset: 72, as: UInt32.self)
            let length = Int(bytes.loadUnaligned(fromByteOffset: 76, as: UInt32.self))
            guard flags & 1 == 1, length <= Self.unknownSize else { return nil }
            let unknown = bytes[80..<(80 + length)].split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            func floats(_ offset: Int) -> [Float] {
                (0..<dimension).map { bytes.loadUnaligned(fromByteOffset: offset + 4 * $0, as: Float.self) }
            }
            let gaussian = Gaussian(
                mean: floats(Self.headSize), logVariance: floats(Self.headSize + 4 * dimension))
            return EncodedText(
                gaussian: gaussian, isTruncated: flags & 2 == 2, unknownCharacters: unknown, isEmpty: false)
        }
    }

    /// How many queries a file holds.
    static func count(_ path: String) -> Int {
        let name = path.dropLast(suffix.count)
        guard let dimension = name.split(separator: "-").last.flatMap({ Int($0) }), dimension > 0,
            dimension <= 1 << 20
        else { return 0 }
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        let size = headSize + 8 * dimension
        var flags: UInt32 = 0
        return (0..<(rows * slotsPerRow)).count { slot in
            pread(file, &flags, 4, off_t(slot * size + 72)) == 4 && flags & 1 == 1
        }
    }

    // MARK: Writing

    /// Keeps a text, unless another process is writing or its unknown characters are too many.
    /// - Throws: `FileError` when the file cannot be written or is no such table.
    func keep(_ text: String, _ encoded: EncodedText) throws {
        var unknown: [UInt8] = []
        for character in encoded.unknownCharacters { unknown += Array(character.utf8) + [0] }
        guard unknown.count <= Self.unknownSize, encoded.gaussian.dimension == dimension else { return }
        guard let file = try open(O_RDWR | O_CREAT) else { return }
        defer { close(file) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else { return }
        guard ftruncate(file, off_t(fileSize)) == 0 else { throw failure() }
        let digest = digest(text)
        let row = row(digest)
        let slots = try read(file, row: row)
        let place =
            slots.firstIndex { $0[32..<64].elementsEqual(digest) }
            ?? slots.indices.min { age(slots[$0]) < age(slots[$1]) }
        let slot = encode(digest, encoded, unknown)
        let offset = (row * Self.slotsPerRow + (place ?? 0)) * slotSize
        guard pwrite(file, slot, slot.count, off_t(offset)) == slot.count else { throw failure() }
    }

    private func encode(_ digest: [UInt8], _ encoded: EncodedText, _ unknown: [UInt8]) -> [UInt8] {
        var slot = [UInt8](repeating: 0, count: slotSize)
        slot.withUnsafeMutableBytes { bytes in
            bytes[32..<64].copyBytes(from: digest)
            bytes.storeBytes(of: Int64(time(nil)), toByteOffset: 64, as: Int64.self)
            bytes.storeBytes(of: encoded.isTruncated ? 3 : 1, toByteOffset: 72, as: UInt32.self)
            bytes.storeBytes(of: UInt32(unknown.count), toByteOffset: 76, as: UInt32.self)
            bytes[80..<(80 + unknown.count)].copyBytes(from: unknown)
            let half = 4 * dimension
            encoded.gaussian.mean.withUnsafeBytes {
                bytes[Self.headSize..<(Self.headSize + half)].copyBytes(from: $0)
            }
            encoded.gaussian.logVariance.withUnsafeBytes {
                bytes[(Self.headSize + half)..<(Self.headSize + 2 * half)].copyBytes(from: $0)
            }
        }
        slot.replaceSubrange(..<32, with: Array(checksum(slot)))
        return slot
    }

    // MARK: Slots

    private func digest(_ text: String) -> [UInt8] { Array(SHA256.hash(data: key + Array(text.utf8))) }

    private func row(_ digest: [UInt8]) -> Int { Int(digest[0]) % Self.rows }

    private func checksum(_ slot: [UInt8]) -> SHA256.Digest { SHA256.hash(data: key + slot[32...]) }

    private func age(_ slot: [UInt8]) -> Int64 {
        slot.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 64, as: Int64.self) }
    }

    private func read(_ file: Int32, row: Int) throws -> [[UInt8]] {
        let size = Self.slotsPerRow * slotSize
        var bytes = [UInt8](repeating: 0, count: size)
        guard pread(file, &bytes, size, off_t(row * size)) == size else { throw failure("cut off") }
        return (0..<Self.slotsPerRow).map { Array(bytes[($0 * slotSize)..<(($0 + 1) * slotSize)]) }
    }

    /// The file, or nil where there is none: a regular file of the right size, or an empty one that is just being made.
    private func open(_ flags: Int32) throws -> Int32? {
        let file = Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        if file < 0, errno == ENOENT { return nil }
        guard file >= 0 else { throw failure() }
        var status = stat()
        let isTable = fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        if isTable, Int(status.st_size) == fileSize { return file }
        if isTable, status.st_size == 0, flags & O_CREAT != 0 { return file }
        close(file)
        if isTable, status.st_size == 0 { return nil }
        // What is there is of no use to anyone: the next query begins anew.
        if isTable, flags & O_CREAT != 0, unlink(path) == 0 { return try open(flags) }
        throw failure("not a table of queries")
    }

    private func failure(_ reason: String? = nil) -> FileError {
        FileError(path: path, reason: reason ?? String(cString: strerror(errno)))
    }
}
