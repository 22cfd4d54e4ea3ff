// A model to its rule of generality: the shipped lexicon and chains, encoded and measured.
import Encoders
import Foundation
import Gaussians
import Retrieval
import Storage

extension Model {
    /// The phrases shipped with the program, in order.
    package static func lexicon() throws -> [String] {
        try ModelFiles.builtin.required("lexicon.txt").withBytes { bytes in
            String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    /// The chains of everyday concepts shipped with the program.
    package static func chains() throws -> ConceptChains {
        struct Line: Decodable { let levels: [String] }
        let decoder = JSONDecoder()
        return try ModelFiles.builtin.required("chains.jsonl").withBytes { bytes in
            ConceptChains(
                try bytes.split(separator: 0x0A).map { try decoder.decode(Line.self, from: Data($0)).levels })
        }
    }

    /// Measures which rule of generality suits this model: encodes lexicon and chains, tries every rule, chooses.
    ///
    /// Deterministic. It costs the encoding of some 1,200 short texts; keep the calibration and the lexicon's Gaussians.
    /// - Returns: the calibration, and the lexicon as the sample of strangers.
    /// - Throws: `EvaluationError` for a model of points; an error when the model has no tokenizer.
    package func measureGenerality() async throws -> (calibration: GeneralityCalibration, sample: NullSample) {
        try refusePoints()
        let chains = try Self.chains()
        let lexicon = try Self.lexicon()
        let texts = try await encodeForEvaluation(pictures: [], texts: lexicon + chains.texts).texts
        let items = try texts.map { try PreparedItem($0, .texts) }
        let sample = NullSample(items[..<lexicon.count].map(\.gaussian))
        let calibration = GeneralityCalibration(chains: chains, items: Array(items[lexicon.count...]), sample: sample)
        return (calibration, sample)
    }

    /// Points have no generality.
    /// - Throws: `EvaluationError` naming the model.
    package func refusePoints() throws {
        guard isPointModel else { return }
        throw EvaluationError(
            description: "\(name) gives points without uncertainty: nothing is more general than anything else")
    }
}
