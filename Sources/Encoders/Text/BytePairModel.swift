// Turns a word into pieces by joining its characters in the order a training run learned.

/// Byte-pair encoding as CLIP uses it.
///
/// - SeeAlso: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", algorithm 1
struct BytePairModel: Sendable {
    private let trie: ByteTrie
    /// From a pair of ids to the merge's rank; lower comes first.
    private let ranks: FlatTable
    /// The id that each merge makes.
    private let merged: [Int32]
    private let unknownID: Int32?
    private let fusesUnknown: Bool
    private let subwordPrefix: [UInt8]
    private let wordSuffix: [UInt8]
    /// Whether a word that is a piece is taken whole, whatever the merges say.
    private let ignoresMerges: Bool
    private let byteIDs: [Int32?]

    /// Interprets the members of `model`.
    init(_ fields: JSONFields, vocabulary: Vocabulary, merges: MergeList) throws(TokenizerError) {
        var trie = ByteTrie(expectedBytes: vocabulary.utf8.count)
        for (index, id) in vocabulary.ids.enumerated() { trie.insert(vocabulary[index], value: id) }
        guard vocabulary.count > 0, vocabulary.ids.count == vocabulary.count else {
            throw fields["vocab"].refuse(expected: "an object of pieces and their ids", got: "something else")
        }
        subwordPrefix = Array(try fields["continuing_subword_prefix"].ifPresent?.string().utf8 ?? "".utf8)
        wordSuffix = Array(try fields["end_of_word_suffix"].ifPresent?.string().utf8 ?? "".utf8)
        fusesUnknown = try fields["fuse_unk"].ifPresent?.boolean() ?? false
        ignoresMerges = try fields["ignore_merges"].ifPresent?.boolean() ?? false
        if let dropout = fields["dropout"].ifPresent, dropout.value != .number(0) {
            throw dropout.refuse(expected: "null, as dropout makes ids random")
        }
        unknownID = try fields["unk_token"].ifPresent.flatMap { (node) throws(TokenizerError) in
            let id = trie.value(of: try node.string().utf8)
            guard let id else { throw node.refuse(expected: "a piece of vocab") }
            return id
        }
        let fallsBack = try fields["byte_fallback"].ifPresent?.boolean() ?? false
        byteIDs = fallsBack ? (0..<256).map { trie.value(of: bytePiece($0)) } : []
        (ranks, merged) = try Self.ranks(merges, trie, prefixLength: subwordPrefix.count, fields["merges"])
        self.trie = trie
    }

    private static func ranks(
        _ merges: MergeList, _ trie: ByteTrie, prefixLength: Int, _ node: JSONNode
    ) throws(TokenizerError) -> (FlatTable, [Int32]) {
        var ranks = FlatTable(capacity: merges.count)
        var merged: [Int32] = []
        merged.reserveCapacity(merges.count)
        for index in 0..<merges.count {
            let (left, right) = merges[index]
            guard let end = trie.descend(left), let leftID = trie.value(at: end), let rightID = trie.value(of: right),
                let wholeEnd = trie.descend(from: end, right.dropFirst(prefixLength)),
                let id = trie.value(at: wholeEnd)
            else {
                let pair = [left, right].map { "\"\(String(decoding: $0, as: UTF8.self))\"" }
                throw TokenizerError(
                    file: node.file, key: "\(node.key)[\(index)]", expected: "two pieces of vocab that make a third",
                    got: pair.joined(separator: " and "))
            }
            ranks[pairKey(leftID, rightID)] = UInt32(index)
            merged.append(id)
        }
        return (ranks, merged)
    }

    /// The id of a piece.
    func id(of piece: String) -> Int32? { trie.value(of: piece.utf8) }

    /// Appends the ids of a word, and what it has unknown.
    ///
    /// Quadratic in the length of a word at worst.
    func encode(_ word: [UInt8], into result: inout EncodedPieces) {
        if ignoresMerges, let id = trie.value(of: word) {
            result.ids.append(id)
            return
        }
        var ids = characterIDs(of: word, &result)
        var ranksAt = zip(ids, ids.dropFirst()).map { rank($0, $1) }
        while let best = ranksAt.min(), best != .max, let index = ranksAt.firstIndex(of: best) {
            ids[index] = merged[Int(best)]
            ids.remove(at: index + 1)
            ranksAt.remove(at: index)
            if index > 0 { ranksAt[index - 1] = rank(ids[index - 1], ids[index]) }
            if index < ranksAt.count { ranksAt[index] = rank(ids[index], ids[index + 1]) }
        }
        result.ids += ids
    }

    private func rank(_ left: Int32, _ right: Int32) -> UInt32 {
        ranks[Self.pairKey(left, right)] ?? .max
    }

    private static func pairKey(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(left)) << 32 | UInt64(UInt32(right))
    }

    /// One id per character, the first and last with their marks; unknown ones as bytes, as `unk_token`, or left out.
    private func characterIDs(of word: [UInt8], _ result: inout EncodedPieces) -> [Int32] {
        var ids: [Int32] = []
        var followsUnknown = false
        var start = 0
        while start < word.count {
            let end = start + utf8Width(leading: word[start])
            let character = word[start..<end]
            let piece = (start > 0 ? subwordPrefix : []) + character + (end == word.count ? wordSuffix : [])
            let bytes = byteIDs.isEmpty ? [] : piece.compactMap { byteIDs[Int($0)] }
            if let id = trie.value(of: piece) {
                ids.append(id)
                followsUnknown = false
            } else if bytes.count == piece.count {
                ids += bytes
                followsUnknown = false
            } else {
                result.noteUnknown(character)
                if let unknownID, !(fusesUnknown && followsUnknown) { ids.append(unknownID) }
                followsUnknown = true
            }
            start = end
        }
        return ids
    }
}
