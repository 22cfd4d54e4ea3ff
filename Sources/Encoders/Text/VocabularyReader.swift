// Turns the vocabulary and merges of a tokenizer.json into flat arrays, without an object per piece.

/// The pieces of a `vocab` in file order.
struct Vocabulary: Sendable, Equatable {
    /// All pieces' UTF-8, one after the other.
    private(set) var utf8: [UInt8] = []
    /// Where each piece ends in `utf8`.
    private(set) var ends: [Int] = []
    /// The logarithmic probability of each piece (Unigram), else empty.
    private(set) var logProbabilities: [Double] = []
    /// The id of each piece (BPE); for Unigram the place in the file is the id, and this is empty.
    private(set) var ids: [Int32] = []

    /// No pieces.
    init() {}

    /// One more than the largest id.
    var size: Int { max(logProbabilities.count, (ids.max().map { Int($0) } ?? -1) + 1) }

    /// Number of pieces.
    var count: Int { ends.count }

    /// A piece's UTF-8.
    subscript(index: Int) -> ArraySlice<UInt8> {
        utf8[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// The pieces of 2^24 and more bytes that a vocabulary may not have: real ones have a quarter of a million.
    private static let maximumBytes = 1 << 24

    /// Reads `[["piece", -3.5], …]` (Unigram) or `{"piece": 7, …}` (BPE).
    init(_ scanner: inout JSONScanner) throws(TokenizerError) {
        utf8.reserveCapacity(min(scanner.bytes.count / 4, Self.maximumBytes))
        if scanner.peek() == UInt8(ascii: "[") { try readList(&scanner) } else { try readObject(&scanner) }
        guard utf8.count < Self.maximumBytes else { throw scanner.refuse("a vocabulary below 16 MB") }
    }

    private mutating func readList(_ scanner: inout JSONScanner) throws(TokenizerError) {
        try scanner.expect("[")
        if scanner.take("]") { return }
        repeat {
            try scanner.expect("[")
            try scanner.string(into: &utf8)
            ends.append(utf8.count)
            try scanner.expect(",")
            logProbabilities.append(try scanner.number())
            try scanner.expect("]")
        } while scanner.take(",")
        try scanner.expect("]")
    }

    private mutating func readObject(_ scanner: inout JSONScanner) throws(TokenizerError) {
        try scanner.expect("{")
        if scanner.take("}") { return }
        repeat {
            try scanner.string(into: &utf8)
            ends.append(utf8.count)
            try scanner.expect(":")
            guard let id = Int32(exactly: try scanner.number()), id >= 0 else {
                throw scanner.refuse("a whole number before this")
            }
            ids.append(id)
        } while scanner.take(",")
        try scanner.expect("}")
    }
}

/// The `merges` of a BPE model, most important first.
struct MergeList: Sendable, Equatable {
    private var utf8: [UInt8] = []
    private var middles: [Int] = []
    private var ends: [Int] = []

    /// No merges.
    init() {}

    /// Number of merges.
    var count: Int { ends.count }

    /// The two pieces of a merge.
    subscript(index: Int) -> (left: ArraySlice<UInt8>, right: ArraySlice<UInt8>) {
        (utf8[(index == 0 ? 0 : ends[index - 1])..<middles[index]], utf8[middles[index]..<ends[index]])
    }

    /// Reads `["a b", …]` or, as newer files have it, `[["a", "b"], …]`.
    init(_ scanner: inout JSONScanner) throws(TokenizerError) {
        try scanner.array { (scanner, index) throws(TokenizerError) in
            if scanner.peek() == UInt8(ascii: "[") {
                try scanner.expect("[")
                try scanner.string(into: &self.utf8)
                self.middles.append(self.utf8.count)
                try scanner.expect(",")
                try scanner.string(into: &self.utf8)
                try scanner.expect("]")
            } else {
                try self.readJoined(&scanner, index)
            }
            self.ends.append(self.utf8.count)
        }
    }

    private mutating func readJoined(_ scanner: inout JSONScanner, _ index: Int) throws(TokenizerError) {
        var merge: [UInt8] = []
        try scanner.string(into: &merge)
        let parts = merge.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            let got = "\"\(String(decoding: merge, as: UTF8.self))\""
            throw TokenizerError(
                file: scanner.file, key: "model.merges[\(index)]", expected: "two pieces and one space", got: got)
        }
        utf8 += parts[0]
        middles.append(utf8.count)
        utf8 += parts[1]
    }
}
