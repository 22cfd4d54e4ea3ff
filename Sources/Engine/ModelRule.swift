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

    /// Measures which rule suits a model, or finds it in the cache.
    /// - Parameters:
    ///   - model: must give distributions, and encode texts.
    ///   - cacheFolder: where measured rules and encoded lexicons are kept; nil keeps none.
    ///   - onlyIfCached: gives nil instead of measuring.
    ///   - progress: called after every few texts that had to be encoded.
    /// - Returns: the rule.
    /// - Throws: `EvaluationError` for a model of points; an error when the model encodes no texts.
    public static func load(
        _ model: Model, cacheFolder: String? = nil, onlyIfCached: Bool = false,
        progress: (IndexingProgress) -> Void = { _ in }
    ) throws -> ModelRule? {
        try model.refusePoints()
        let lexicon = try Lexicon.load(
            model, cacheFolder: cacheFolder, onlyIfCached: onlyIfCached, progress: progress)
        guard let lexicon else { return nil }
        let sample = NullSample(try lexicon.gaussians.map { try PreparedGaussian($0) })
        let chains = try Model.chains()
        let file = cacheFolder.map { "\($0)/rules/\(key(chains, lexicon, model)).json" }
        if let file, let known = cached(file) { return ModelRule(calibration: known, sample: sample) }
        if onlyIfCached { return nil }
        let items = try encode(chains.texts, model, progress).map { try PreparedItem($0, .texts) }
        let calibration = GeneralityCalibration(chains: chains, items: items, sample: sample)
        if let file { try? write(calibration, file) }
        return ModelRule(calibration: calibration, sample: sample)
    }

    /// The rule in words: name, bounds, and how often its first answer is right on the shipped chains.
    public var summary: String {
        let rule = calibration.rule
        var parts = [rule.name]
        if let related = rule.relatedBelow { parts.append("related below \(percent(related)) of strangers") }
        if let bound = rule.neighboursBelow { parts.append("near to less than \(percent(bound)) of strangers") }
        if let margin = rule.inclusionMargin { parts.append("inclusion above \(margin) nats") }
        if let ratio = rule.varianceRatio { parts.append("variance ratio above \((ratio * 1_000).rounded() / 1_000)") }
        if let figure = calibration.figures.first {
            parts.append("first answer right \(percent(figure.firstIsRight)) on the shipped chains")
        }
        return parts.joined(separator: ", ") + "; ladders by \(calibration.walk.rawValue)"
    }

    private func percent(_ share: Double) -> String { "\((share * 1_000).rounded() / 10) %" }

    private static func key(_ chains: ConceptChains, _ lexicon: Lexicon, _ model: Model) -> String {
        let version = "\(GeneralityCalibration.currentVersion)"
        let content = ([model.encodingID, version] + chains.texts + [""] + lexicon.texts).joined(separator: "\n")
        return SHA256.hash(data: Data(content.utf8)).map { String(format: "%02x", $0) }.joined()
    }

    private static func cached(_ file: String) -> GeneralityCalibration? {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: file)),
            let known = try? JSONDecoder().decode(GeneralityCalibration.self, from: data),
            known.version == GeneralityCalibration.currentVersion, !known.rules.isEmpty
        else { return nil }
        return known
    }

    private static func write(_ calibration: GeneralityCalibration, _ file: String) throws {
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        try JSONEncoder().encode(calibration).write(to: URL(fileURLWithPath: file), options: .atomic)
    }

    private static func encode(
        _ texts: [String], _ model: Model, _ progress: (IndexingProgress) -> Void
    ) throws -> [Gaussian] {
        let encoder = try model.textEncoder()
        var gaussians: [Gaussian] = []
        let size = 4 * TextEncoder.batchSize
        for start in stride(from: 0, to: texts.count, by: size) {
            let part = Array(texts[start..<min(start + size, texts.count)])
            gaussians += try encoder.encode(part).map(\.gaussian)
            progress(IndexingProgress(done: gaussians.count, total: texts.count))
        }
        return gaussians
    }
}
