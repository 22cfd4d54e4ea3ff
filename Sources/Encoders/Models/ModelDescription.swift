// A model to what people want to know of it before they use it.
import Foundation

/// What a model is and can do.
public struct ModelDescription: Sendable {
    /// "ViT 96 x 96 px, patch 12, 6 layers of width 192, 3 heads", and the like for texts.
    public let imageTower: String
    /// The text tower in the same words.
    public let textTower: String
    /// The embedding dimension, D.
    public let dimension: Int
    /// Numbers in the weights.
    public let parameters: Int
    /// The element types of the weights, for example "F16".
    public let precision: String
    /// SHA-256 of `model.safetensors`.
    public let fingerprint: String
    /// What the model's card says of its terms, or nil.
    public let licence: String?
    /// "pictures and texts", "pictures only: it has no tokenizer.json".
    public let abilities: String
    /// Whether match probabilities are calibrated.
    public let isCalibrated: Bool
}

extension Model {
    /// Describes the model from its files; loads no tower.
    /// - Throws: `FileError` when a file of the model cannot be read.
    public func description() throws -> ModelDescription {
        let image = configuration.image
        let text = configuration.text
        let types = Set(weights.tensors.values.map(\.type.rawValue)).sorted()
        return ModelDescription(
            imageTower:
                "\(image.width) x \(image.height) px, patch \(image.patch), \(Self.describe(image.transformer))",
            textTower: "\(text.contextLength) tokens of \(text.vocabularySize), \(Self.describe(text.transformer))",
            dimension: dimension, parameters: weights.tensors.values.reduce(0) { $0 + $1.count },
            precision: types.joined(separator: ", "), fingerprint: fingerprint, licence: try licence(),
            abilities: abilities, isCalibrated: try files.file("calibration.json") != nil)
    }

    private static func describe(_ shape: TransformerConfiguration) -> String {
        "\(shape.layers) layers of width \(shape.width), \(shape.heads) heads"
    }

    private var abilities: String {
        let kinds = encodesTexts ? "pictures and texts" : "pictures only: the model has no tokenizer.json"
        return isPointModel ? "\(kinds); points without uncertainty: no inclusion, no generality" : kinds
    }

    /// The `license:` line of a card's front matter, else the first emphasised sentence on the licence.
    private func licence() throws -> String? {
        for name in ["README.md", "MODEL_CARD.md"] {
            guard let file = try files.file(name) else { continue }
            let card = file.withBytes { String(decoding: $0, as: UTF8.self) }
            if let line = card.split(separator: "\n").prefix(40).first(where: { $0.hasPrefix("license:") }) {
                return line.dropFirst("license:".count).trimmingCharacters(in: .whitespaces)
            }
            let spans = card.components(separatedBy: "**").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
            if let span = spans.first(where: { $0.contains("licen") }) { return span }
        }
        return nil
    }
}
