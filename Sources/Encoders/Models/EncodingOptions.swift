// What a user chooses of how pictures and texts are encoded, and its place in the encoding id.

/// The numbers the transformers' large matrix products are computed with.
public enum Precision: String, Sendable, CaseIterable {
    /// Float32 throughout.
    case f32
    /// Weights and activations rounded to bfloat16, summed in Float32, by oneDNN; norms, attention and what the towers give
    /// stay Float32.
    case bf16

    /// Why this program cannot compute so on this machine, or nil.
    public var obstacle: String? { self == .f32 ? nil : BFloat16Weights.obstacle }

    /// Refuses a precision that cannot be had, before anything is begun.
    /// - Throws: `PrecisionError`.
    public func check() throws(PrecisionError) {
        if let obstacle { throw PrecisionError(precision: self, reason: obstacle) }
    }
}

/// How pictures and texts are encoded: with the weights, what makes Gaussians comparable.
public struct EncodingOptions: Sendable, Equatable {
    /// Whether pictures are turned as their EXIF orientation says; the reference ignores it.
    public var appliesOrientation = true
    /// Whether JPEG files are decoded at a half, a quarter or an eighth of their size, where that is still at least twice
    /// what the model sees.
    public var decodesReduced = false
    /// What matrix products are computed with.
    public var precision = Precision.f32

    /// As the reference, but for the orientation.
    public init() {}

    /// The options an encoding id tells of; nil where it says something this program does not know.
    public init?(encodingID: String) {
        for pair in encodingID.split(separator: ";") {
            switch pair {
            case "orientation=exif": appliesOrientation = true
            case "orientation=ignored": appliesOrientation = false
            case "decode=full": decodesReduced = false
            case "decode=reduced2x": decodesReduced = true
            default:
                guard pair.hasPrefix("precision=") else {
                    if pair.hasPrefix("orientation=") || pair.hasPrefix("decode=") { return nil }
                    continue
                }
                guard let known = Precision(rawValue: String(pair.dropFirst("precision=".count))) else { return nil }
                precision = known
            }
        }
    }

    /// Their part of the encoding id.
    var pairs: [String] {
        [
            "orientation=\(appliesOrientation ? "exif" : "ignored")", "decode=\(decodesReduced ? "reduced2x" : "full")",
            "precision=\(precision.rawValue)",
        ]
    }
}

/// A precision that this program or this machine does not have.
public struct PrecisionError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What was asked for.
    public let precision: Precision
    /// Why it cannot be had.
    public let reason: String

    /// The sentence shown to people.
    public var description: String { "precision \(precision.rawValue): \(reason)" }
}
