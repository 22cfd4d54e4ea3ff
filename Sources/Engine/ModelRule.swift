// A model to its rule of generality: measured once per encoding id, kept beside the encoded lexicon.
import Crypto
import Encoders
import Foundation
import Gaussians
import Retrieval
import Storage

/// The rule of generality that suits a model, and the lexicon it judges by.
public struct ModelRule: Sendable {
    /// What was measured.
    package let calibration: GeneralityCalibration
    /// The shipped lexicon: what strangers look like.
    package let sample: NullSample

    /// Finds the rule that suits a model in the cache, or measures it and keeps it there.
    ///
    /// Deterministic. Measuring costs the encoding of some 1,200 short texts and a few seconds.
    /// - Parameters:
    ///   - model: must give distributions, and encode texts.
    ///   - cacheFolder: where measured rules and encoded lexicons are kept; nil keeps none.
    ///   - progress: called after every few texts that had to be encoded.
    /// - Returns: the rule.
    /// - Throws: `EvaluationError` for a model of points; an error when the model encodes no texts.
    public static func load(
        _ model: Model, cacheFolder: String? = nil, progress: (IndexingProgress) -> Void = { _ in }
    ) throws -> ModelRule {
        if let known = try cached(model, cacheFolder: cacheFolder) { return known }
        let lexicon = try Lexicon.load(model, cacheFolder: cacheFolder, progress: progress)
        let sample = try sample(of: lexicon)
        let chains = try Model.chains()
        let items = try model.encode(chains.texts, progress).map { try PreparedItem($0.gaussian, .texts) }
        let calibration = GeneralityCalibration(chains: chains, items: items, sample: sample)
        if let file = file(chains, lexicon, model, cacheFolder) { try? write(calibration, file) }
        return ModelRule(calibration: calibration, sample: sample)
    }

    /// The rule that suits a model, if the cache has it.
    /// - Parameters:
    ///   - model: must give distributions.
    ///   - cacheFolder: where measured rules and encoded lexicons are kept.
    /// - Returns: the rule, or nil where it was never measured.
    /// - Throws: `EvaluationError` for a model of points.
    public static func cached(_ model: Model, cacheFolder: String?) throws -> ModelRule? {
        try model.refusePoints()
        guard let cacheFolder, let lexicon = try Lexicon.cached(model, cacheFolder: cacheFolder) else { return nil }
        let sample = try sample(of: lexicon)
        guard let file = file(try Model.chains(), lexicon, model, cacheFolder), let known = read(file),
            known.crowding.radii.count == sample.strangers.count
        else { return nil }
        return ModelRule(calibration: known, sample: sample)
    }

    private static func sample(of lexicon: Lexicon) throws -> NullSample {
        NullSample(try lexicon.gaussians.map { try PreparedGaussian($0) })
    }

    /// The rule in words: name, bounds, and how often its first answer is right on the shipped chains.
    public var summary: String {
        let rule = calibration.rule
        var parts = [rule.name]
        if let related = rule.relatedBelow { parts.append("related below \(percent(related)) of strangers") }
        if let bound = rule.neighboursBelow { parts.append("near to less than \(percent(bound)) of strangers") }
        if let bound = rule.siblingsFrom { parts.append("siblings from \(bound) times as far as what includes both") }
        if let margin = rule.inclusionMargin { parts.append("inclusion above \(margin) nats") }
        if let ratio = rule.varianceRatio { parts.append("variance ratio above \((ratio * 1_000).rounded() / 1_000)") }
        if let figure = calibration.figures.first {
            parts.append("first answer right \(percent(figure.firstIsRight)) on the shipped chains")
        }
        return parts.joined(separator: ", ") + "; ladders by \(calibration.walk.rawValue)"
    }

    private func percent(_ share: Double) -> String { "\((share * 1_000).rounded() / 10) %" }

    private static func file(
        _ chains: ConceptChains, _ lexicon: Lexicon, _ model: Model, _ cacheFolder: String?
    ) -> String? {
        let version = "\(GeneralityCalibration.currentVersion)"
        let content = ([model.encodingID, version] + chains.texts + [""] + lexicon.texts).joined(separator: "\n")
        return cacheFolder.map { "\($0)/rules/\(SHA256.hash(data: Data(content.utf8)).hexadecimal).json" }
    }

    private static func read(_ file: String) -> GeneralityCalibration? {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: file)),
            let known = try? JSONDecoder().decode(GeneralityCalibration.self, from: data),
            known.version == GeneralityCalibration.currentVersion, !known.rules.isEmpty
        else { return nil }
        return known
    }

    private static func write(_ calibration: GeneralityCalibration, _ file: String) throws {
        try FileManager.default.createPrivateFolder((file as NSString).deletingLastPathComponent)
        try JSONEncoder().encode(calibration).write(to: URL(fileURLWithPath: file), options: .atomic)
    }
}
