// A text becomes a Gaussian: clean, tokenise, encode.
import Gaussians

/// A text's Gaussian, and what was lost on the way.
package struct EncodedText: Sendable {
    /// Where the text lies.
    package let gaussian: Gaussian
    /// Whether the text was longer than the model's context and cut.
    package let isTruncated: Bool
    /// Characters the tokenizer does not know, distinct, in order.
    package let unknownCharacters: [String]
    /// Whether nothing was left of the text: to the model it is the empty text.
    package let isEmpty: Bool

    /// Puts together what an encoder gave, now or earlier.
    package init(gaussian: Gaussian, isTruncated: Bool, unknownCharacters: [String], isEmpty: Bool) {
        self.gaussian = gaussian
        self.isTruncated = isTruncated
        self.unknownCharacters = unknownCharacters
        self.isEmpty = isEmpty
    }
}

/// The text side of a model.
package struct TextEncoder: Sendable {
    /// Texts per forward pass.
    package static let batchSize = 16
    private let tokenizer: Tokenizer
    private let tower: TextTower
    private let pool: ActivationsPool

    private let file: String

    /// Pairs a tokenizer with its tower.
    ///
    /// An id beyond the tower's vocabulary is an error when a text needs it: tokenizers have ids no text comes to.
    /// - Parameters:
    ///   - tokenizer: cuts texts into pieces.
    ///   - tower: encodes their ids.
    ///   - file: the tokenizer's file, for messages.
    /// - Throws: `ConfigurationError` when the tower's context has no room for the tokenizer's special tokens.
    package init(tokenizer: Tokenizer, tower: TextTower, file: String) throws {
        guard tokenizer.minimumLength <= tower.shape.contextLength else {
            throw ConfigurationError(
                path: file,
                reason: "got \(tokenizer.minimumLength) special tokens around each text, "
                    + "expected at most the model's context_length (\(tower.shape.contextLength))")
        }
        self.file = file
        self.tokenizer = tokenizer
        self.tower = tower
        pool = ActivationsPool { tower.activations(batch: Self.batchSize) }
    }

    /// The ids of a text, padded to the context length.
    package func tokenize(_ text: String) -> TokenizedText {
        tokenizer.encode(text, contextLength: tower.shape.contextLength)
    }

    /// Texts to Gaussians, in order; the means normalised.
    /// - Parameters:
    ///   - texts: any number.
    ///   - threads: how many share the work; for callers whose other workers have nothing to do.
    /// - Returns: one per text.
    /// - Throws: `TokenRangeError`, `SafetensorsError`: the tokenizer or the weights do not fit.
    package func encode(_ texts: [String], threads: Int = 1) throws -> [EncodedText] {
        var encoded: [EncodedText] = []
        let empty = tokenize("").ids
        try pool.lend(threads: threads) { activations in
            for start in stride(from: 0, to: texts.count, by: Self.batchSize) {
                let batch = texts[start..<min(start + Self.batchSize, texts.count)].map(tokenize)
                do {
                    try tower.forward(batch.flatMap(\.ids), batch: batch.count, activations)
                } catch let error as TokenRangeError {
                    throw ConfigurationError(path: file, reason: "\(error)")
                }
                for (index, text) in batch.enumerated() {
                    let gaussian = activations.gaussian(
                        index, dimension: tower.dimension, isPoint: !tower.shape.hasUncertainty)
                    encoded.append(
                        EncodedText(
                            gaussian: gaussian, isTruncated: text.isTruncated,
                            unknownCharacters: text.unknownCharacters, isEmpty: text.ids == empty))
                }
            }
        }
        return encoded
    }
}
