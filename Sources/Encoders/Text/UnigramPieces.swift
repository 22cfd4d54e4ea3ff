// A vocabulary's pieces to what the search walks over: a trie and scores, in flat arrays.

/// The pieces of a Unigram model; the place in the vocabulary is the id.
struct UnigramPieces: Sendable, Equatable {
    /// From a piece's UTF-8 to its id.
    let trie: ByteTrie
    /// The logarithmic probability of each piece.
    let logProbabilities: [Double]

    /// Builds the trie.
    init(_ vocabulary: Vocabulary) {
        var trie = ByteTrie(expectedBytes: vocabulary.utf8.count)
        for index in 0..<vocabulary.count { trie.insert(vocabulary[index], value: Int32(index)) }
        self.trie = trie
        logProbabilities = vocabulary.logProbabilities
    }

    /// Wraps arrays that were built before.
    init(trie: ByteTrie, logProbabilities: [Double]) {
        self.trie = trie
        self.logProbabilities = logProbabilities
    }
}
