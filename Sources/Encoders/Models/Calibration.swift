// `calibration.json` beside a model: from its logit to a probability people can trust.

/// How a model's match logit becomes a probability, and below which one nothing convinces.
package struct Calibration: Sendable, Equatable {
    /// Platt's slope: probability = sigmoid(slope * logit + offset).
    package var slope = 1.0
    /// Platt's offset.
    package var offset = 0.0
    /// The best match probability under which an answer is not convincing; nil where the model does not say.
    package var unconvincingBelow: Double?

    /// A model without a calibration: its own scale and bias speak.
    package init() {}

    /// Reads `calibration.json`.
    /// - Throws: `ConfigurationError` naming file and key.
    package init(_ file: MappedFile) throws {
        var top = try JSONObject(file)
        _ = try top.integer("version", default: nil, in: 1...1)
        var probability = try top.object("probability")
        slope = try probability?.number("a") ?? 1
        offset = try probability?.number("b") ?? 0
        try probability?.finish()
        unconvincingBelow = try top.number("unconvincing_below")
        try top.finish()
    }
}
