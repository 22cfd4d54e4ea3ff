// What the rule of generality is measured on: the shipped lexicon and chains.
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

    /// Points have no generality.
    /// - Throws: `EvaluationError` naming the model.
    package func refusePoints() throws {
        guard isPointModel else { return }
        throw EvaluationError(
            description: "\(name) gives points without uncertainty: nothing is more general than anything else")
    }
}
