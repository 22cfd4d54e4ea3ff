// Turns text into the token ids of a model's text tower, by the rules of its tokenizer.json.

/// The ids of one text, ready for the text tower.
package struct TokenizedText: Sendable, Equatable {
    /// `[contextLength]`: the text's ids between special tokens, cut to the length, padded on the right.
    package let ids: [Int32]
    /// Whether the end of the text was cut off.
    package let isTruncated: Bool
    /// Characters the vocabulary cannot spell, distinct, in order of appearance, as cleaned and normalized.
    package let unknownCharacters: [String]
}

/// A tokenizer as its `tokenizer.json` describes it: added tokens, normalizer, pre-tokenizer, model, template.
///
/// Unigram models (SigLIP, T5) and byte-pair models (CLIP) are understood. The vocabulary lives in flat arrays.
/// - SeeAlso: https://huggingface.co/docs/tokenizers/pipeline
package struct Tokenizer: Sendable {
    private enum Model: Sendable {
        case unigram(UnigramModel)
        case bytePair(BytePairModel)
    }

    /// One more than the largest id: the rows an embedding table needs.
    package let vocabularySize: Int
    private let addedTokens: AddedTokens
    private let normalizer: Normalizer
    private let preTokenizer: PreTokenizer
    private let model: Model
    private let template: TokenTemplate

    /// Reads a `tokenizer.json`; `file` is its name in messages.
    ///
    /// Linear in its size: 2.4 MB with 32,000 pieces take some 40 ms.
    /// - Throws: `TokenizerError` for bytes that are no JSON, and for every key, type or value not understood.
    package init(json: UnsafeRawBufferPointer, file: String) throws(TokenizerError) {
        let parts = try TokenizerFile(json: json, file: file)
        try self.init(parts, pieces: parts.isUnigram ? UnigramPieces(parts.vocabulary) : nil)
    }

    /// Reads a `tokenizer.json`, or what was compiled of it at an earlier start.
    /// - Throws: as above.
    package init(_ file: MappedFile, cache: FileCache) throws(TokenizerError) {
        if let entry = cache.entry("tokenizers", of: file), let compiled = entry.withBytes({ CompiledTokenizer($0) }) {
            let json = compiled.json
            let parts = json.withUnsafeBytes { bytes in
                Result { () throws(TokenizerError) in try TokenizerFile(json: bytes, file: file.path) }
            }
            if case .success(let parts) = parts, parts.isUnigram {
                try self.init(parts, pieces: compiled.pieces)
                return
            }
        }
        let parts = try TokenizerFile(json: file.bytes, file: file.path)
        let pieces = parts.isUnigram ? UnigramPieces(parts.vocabulary) : nil
        try self.init(parts, pieces: pieces)
        if let pieces {
            let compiled = CompiledTokenizer(pieces: pieces, json: parts.withoutVocabulary(file.bytes))
            cache.store("tokenizers", of: file, compiled.bytes)
        }
    }

    private init(_ parts: TokenizerFile, pieces: UnigramPieces?) throws(TokenizerError) {
        normalizer = try Normalizer(parts["normalizer"])
        preTokenizer = try PreTokenizer(parts["pre_tokenizer"])
        addedTokens = try AddedTokens(parts["added_tokens"], normalizer: normalizer)
        template = try TokenTemplate(
            postProcessor: parts["post_processor"], padding: parts["padding"], addedTokens: addedTokens)
        model = try Self.model(parts, pieces)
        for (index, token) in addedTokens.tokens.enumerated() {
            let id = Self.id(of: token.content, in: model)
            guard id == nil || id == token.id else {
                throw TokenizerError(
                    file: parts.file, key: "added_tokens[\(index)].id", expected: "\(id ?? 0), as in the vocabulary",
                    got: "\(token.id)")
            }
        }
        vocabularySize = max(
            pieces?.logProbabilities.count ?? parts.vocabulary.size,
            (addedTokens.tokens.map { Int($0.id) }.max() ?? -1) + 1)
    }

    /// Special ids that every text has: the shortest context length.
    package var minimumLength: Int { template.minimumLength }

    /// Cleans a text and turns it into `contextLength` ids.
    ///
    /// The cleaning is SigLIP's for Unigram models and CLIP's for byte-pair models (`TextCleaning`).
    /// - Complexity: linear in the length of the text; some 10 µs for a caption.
    package func encode(_ text: String, contextLength: Int) -> TokenizedText {
        var pieces = EncodedPieces(spaceMark: preTokenizer.spaceMark)
        for part in addedTokens.split(clean(text), normalizer: normalizer) {
            switch part {
            case .token(let id): pieces.ids.append(id)
            case .text(let text, let isFirst):
                for word in preTokenizer.split(TextSpan(utf8: Array(text.utf8), isFirst: isFirst)) {
                    encode(word.utf8, into: &pieces)
                }
            }
        }
        let (ids, isTruncated) = template.apply(pieces.ids, length: contextLength)
        let unknown = pieces.unknown.map { preTokenizer.isByteLevel ? ByteLevelAlphabet.read(String($0)) : String($0) }
        return TokenizedText(ids: ids, isTruncated: isTruncated, unknownCharacters: unknown)
    }

    private func clean(_ text: String) -> String {
        switch model {
        case .unigram: TextCleaning.canonicalize(text)
        case .bytePair: TextCleaning.clip(text)
        }
    }

    private func encode(_ word: [UInt8], into pieces: inout EncodedPieces) {
        switch model {
        case .unigram(let model): model.encode(word, into: &pieces)
        case .bytePair(let model): model.encode(word, into: &pieces)
        }
    }

    private static func model(_ parts: TokenizerFile, _ pieces: UnigramPieces?) throws(TokenizerError) -> Model {
        switch try parts.model.type() {
        case "Unigram":
            let fields = try parts.model.fields(["type", "unk_id", "byte_fallback"])
            guard let pieces, !pieces.logProbabilities.isEmpty else {
                throw fields["vocab"].refuse(expected: "a list of pieces and their scores", got: "something else")
            }
            return .unigram(try UnigramModel(fields, pieces: pieces))
        case "BPE":
            let fields = try parts.model.fields([
                "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                "byte_fallback", "ignore_merges",
            ])
            return .bytePair(try BytePairModel(fields, vocabulary: parts.vocabulary, merges: parts.merges))
        default:
            throw parts.model.typeError(expected: "Unigram or BPE")
        }
    }

    private static func id(of piece: String, in model: Model) -> Int32? {
        switch model {
        case .unigram(let model): model.id(of: piece)
        case .bytePair(let model): model.id(of: piece)
        }
    }
}
