// A tokenizer.json, read once, to one file of flat arrays that is loaded without parsing the vocabulary again.
import CKernels

/// The compiled form of a Unigram tokenizer: its pieces' arrays, and the JSON around the vocabulary.
///
/// All numbers are little-endian, the arrays' lengths are in the header:
///
///     0 magic "PTK1"   4 CRC-32C u32 of all that follows   8 slots u64   16 edges u64   24 nodes u64   32 pieces u64
///     40 slots of u64 keys, slots of u32 values, nodes of i32 values, pieces of f64 scores, then the JSON
struct CompiledTokenizer {
    let pieces: UnigramPieces
    /// `tokenizer.json` with an empty vocabulary.
    let json: [UInt8]

    private static let magic: UInt32 = 0x314B_5450
    private static let headerSize = 40

    init(pieces: UnigramPieces, json: [UInt8]) {
        self.pieces = pieces
        self.json = json
    }

    /// Reads the compiled form; nil when it is damaged or of another version.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headerSize, let base = bytes.baseAddress,
            bytes.loadUnaligned(as: UInt32.self) == Self.magic,
            bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self) == pk_crc32c(0, base + 8, bytes.count - 8)
        else { return nil }
        let lengths = (1...4).map { Int(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt32.self)) }
        var at = Self.headerSize
        func array<T: BitwiseCopyable>(_ count: Int, _ type: T.Type) -> [T]? {
            let size = count * MemoryLayout<T>.stride
            guard size <= bytes.count - at else { return nil }
            defer { at += size }
            return [T](unsafeUninitializedCapacity: count) { out, initialized in
                UnsafeMutableRawBufferPointer(out).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[at..<(at + size)]))
                initialized = count
            }
        }
        guard let keys = array(lengths[0], UInt64.self), let values = array(lengths[0], UInt32.self),
            let nodes = array(lengths[2], Int32.self), let scores = array(lengths[3], Double.self),
            let edges = FlatTable(keys: keys, values: values, count: lengths[1])
        else { return nil }
        pieces = UnigramPieces(trie: ByteTrie(edges: edges, values: nodes), logProbabilities: scores)
        json = Array(bytes[at...])
    }

    /// The bytes to keep.
    var bytes: [UInt8] {
        let table = pieces.trie.edges
        let lengths = [table.keys.count, table.count, pieces.trie.values.count, pieces.logProbabilities.count]
        var body: [UInt8] = []
        for length in lengths { withUnsafeBytes(of: UInt64(length)) { body += $0 } }
        table.keys.withUnsafeBytes { body += $0 }
        table.values.withUnsafeBytes { body += $0 }
        pieces.trie.values.withUnsafeBytes { body += $0 }
        pieces.logProbabilities.withUnsafeBytes { body += $0 }
        body += json
        let header = [Self.magic, pk_crc32c(0, body, body.count)]
        return header.withUnsafeBytes { Array($0) } + body
    }
}
