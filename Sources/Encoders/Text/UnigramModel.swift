// Turns a word into the most probable sequence of pieces.

/// SentencePiece's Unigram model.
///
/// - SeeAlso: Kudo 2018, "Subword Regularization", section 3.2; the search is that of the `tokenizers` library
struct UnigramModel: Sendable {
    /// An unknown character costs this much more than the rarest piece.
    private static let unknownPenalty = 10.0

    private let trie: ByteTrie
    private let logProbabilities: [Double]
    private let unknownID: Int32?
    private let unknownLogProbability: Double
    /// The pieces `<0x00>`…`<0xFF>`; empty without `byte_fallback`.
    private let byteIDs: [Int32?]

    /// Interprets the members of `model`.
    init(_ fields: JSONFields, pieces: UnigramPieces) throws(TokenizerError) {
        let trie = pieces.trie
        let count = pieces.logProbabilities.count
        unknownID = try fields["unk_id"].ifPresent?.tokenID()
        guard unknownID.map({ $0 < count }) ?? true else {
            throw fields["unk_id"].refuse(expected: "an id below \(count)")
        }
        let fallsBack = try fields["byte_fallback"].ifPresent?.boolean() ?? false
        byteIDs = fallsBack ? (0..<256).map { trie.value(of: bytePiece($0)) } : []
        logProbabilities = pieces.logProbabilities
        unknownLogProbability = (pieces.logProbabilities.min() ?? 0) - Self.unknownPenalty
        self.trie = trie
    }

    /// The id of a piece.
    func id(of piece: String) -> Int32? { trie.value(of: piece.utf8) }

    /// A place in the word, reached by the best path so far.
    private struct Reached {
        var logProbability = 0.0
        /// Where its last piece starts; -1: not reached.
        var start = -1
        /// The last piece; -1: unknown.
        var id: Int32 = -1
    }

    /// Appends the ids of a word, and what it has unknown.
    ///
    /// Linear in the length times the longest piece.
    func encode(_ word: [UInt8], into result: inout EncodedPieces) {
        let reached = search(word)
        var pieces: [(range: Range<Int>, id: Int32)] = []
        var end = word.count
        while end > 0 {
            let (start, id) = (reached[end].start, reached[end].id)
            // Unknown characters side by side are one unknown piece.
            if id < 0 || id == unknownID, let last = pieces.last, last.id < 0 || last.id == unknownID {
                pieces[pieces.count - 1] = (start..<last.range.upperBound, -1)
            } else {
                pieces.append((start..<end, id))
            }
            end = start
        }
        for piece in pieces.reversed() {
            if piece.id >= 0 { result.ids.append(piece.id) } else { appendUnknown(word[piece.range], into: &result) }
        }
    }

    /// Viterbi's forward pass over the characters; a later path must be better, not as good, to replace one.
    private func search(_ word: [UInt8]) -> [Reached] {
        var reached = Array(repeating: Reached(), count: word.count + 1)
        func offer(_ start: Int, _ end: Int, _ logProbability: Double, _ id: Int32) {
            let total = reached[start].logProbability + logProbability
            if reached[end].start < 0 || total > reached[end].logProbability {
                reached[end] = Reached(logProbability: total, start: start, id: id)
            }
        }
        var start = 0
        while start < word.count {
            let width = utf8Width(leading: word[start])
            var node = ByteTrie.root
            var knowsCharacter = false
            for end in (start + 1)...word.count {
                guard let next = trie.child(of: node, word[end - 1]) else { break }
                node = next
                guard let id = trie.value(at: node) else { continue }
                offer(start, end, logProbabilities[Int(id)], id)
                knowsCharacter = knowsCharacter || end - start == width
            }
            if !knowsCharacter { offer(start, start + width, unknownLogProbability, -1) }
            start += width
        }
        return reached
    }

    private func appendUnknown(_ text: ArraySlice<UInt8>, into result: inout EncodedPieces) {
        let ids = byteIDs.isEmpty ? [] : text.compactMap { byteIDs[Int($0)] }
        if ids.count == text.count {
            result.ids += ids
        } else {
            if let unknownID { result.ids.append(unknownID) }
            result.noteUnknown(text)
        }
    }
}

/// The piece that spells a byte where `byte_fallback` is on.
func bytePiece(_ byte: Int) -> [UInt8] {
    let digits = String(byte, radix: 16, uppercase: true)
    return Array("<0x\(byte < 16 ? "0" : "")\(digits)>".utf8)
}

/// Number of bytes of the UTF-8 sequence that starts so.
func utf8Width(leading byte: UInt8) -> Int {
    byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
}
