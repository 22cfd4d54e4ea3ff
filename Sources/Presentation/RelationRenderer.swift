// How two items lie to each other, as a table and as a JSON object.
import Engine
import Foundation

/// Renders one relation.
public struct RelationRenderer {
    private let answer: RelationAnswer
    private let a: String
    private let b: String

    /// Renders an answer about two items, named as they were typed.
    public init(_ answer: RelationAnswer, a: String, b: String) {
        self.answer = answer
        self.a = a
        self.b = b
    }

    /// The verdict and its figures, each beside its bound.
    public var table: [UInt8] {
        var lines = [
            "A  \(Escaping.visible(Array(a.utf8)))", "B  \(Escaping.visible(Array(b.utf8)))", "", answer.verdict, "",
            "csd               " + String(format: "%.4f", answer.csd),
        ]
        if let probability = answer.matchProbability {
            // Without a calibration the bound is one of strangers, and stands below.
            let direction = answer.firstInSecond
            let bound = direction.percentile == nil ? direction.relatednessBound : nil
            let words = bound.map { ", related from \(Self.percent($0))" } ?? ""
            lines.append("match             \(TableRenderer.percent(probability))\(words)")
        }
        if answer.kinds.0 != answer.kinds.1 {
            lines.append("direction         by kind: of a text and a picture that match, the text is the more general")
        }
        for (name, direction) in [("A inside B", answer.firstInSecond), ("B inside A", answer.secondInFirst)] {
            lines.append("\(name)        \(direction.holds ? "yes" : "no")")
            if let percentile = direction.percentile {
                let bound = direction.relatednessBound.map { ", related below \(Self.percent($0))" } ?? ""
                lines.append("  closer strangers  \(Self.percent(percentile))\(bound)")
            }
            if direction.percentile == nil, answer.matchProbability == nil {
                lines.append("  closer strangers  unknown: the index has no other pictures to judge two pictures by")
            }
            if let share = direction.neighbourShare {
                let bound = direction.neighbourBound.map { ", needed below \(Self.percent($0))" } ?? ""
                lines.append("  near to           \(Self.percent(share)) of strangers\(bound)")
            }
            if let ratio = direction.siblingRatio {
                let bound = direction.siblingBound.map { ", siblings from \(Self.number($0))" } ?? ""
                lines.append("  farther than what includes both  \(Self.number(ratio)) times\(bound)")
            }
            let margin = direction.inclusionMargin.map { ", needed above \(Self.number($0))" } ?? ""
            lines.append("  inclusion         \(Self.number(direction.inclusion)) nats\(margin)")
            let bound = direction.varianceRatioBound.map { ", needed above \(Self.number($0))" } ?? ""
            lines.append("  variance ratio    \(Self.number(direction.varianceRatio))\(bound)")
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// One JSON object on a line.
    public var json: [UInt8] {
        var object = JSONObject()
        object["type"] = JSONObject.text("relation")
        object["a"] = JSONObject.text(a)
        object["b"] = JSONObject.text(b)
        object["kind_a"] = JSONObject.text(answer.kinds.0.rawValue)
        object["kind_b"] = JSONObject.text(answer.kinds.1.rawValue)
        object["verdict"] = JSONObject.text(answer.verdict)
        object["csd"] = JSONObject.number(answer.csd)
        object["match_probability"] = JSONObject.number(answer.matchProbability)
        object["a_inside_b"] = Self.json(answer.firstInSecond)
        object["b_inside_a"] = Self.json(answer.secondInFirst)
        return object.line
    }

    private static func json(_ direction: RelationAnswer.Direction) -> String {
        var object = JSONObject()
        object["holds"] = "\(direction.holds)"
        object["percentile"] = JSONObject.number(direction.percentile)
        object["relatedness_bound"] = JSONObject.number(direction.relatednessBound)
        object["near_to"] = JSONObject.number(direction.neighbourShare)
        object["near_to_bound"] = JSONObject.number(direction.neighbourBound)
        object["sibling_ratio"] = JSONObject.number(direction.siblingRatio)
        object["sibling_bound"] = JSONObject.number(direction.siblingBound)
        object["inclusion"] = JSONObject.number(direction.inclusion)
        object["inclusion_margin"] = JSONObject.number(direction.inclusionMargin)
        object["variance_ratio"] = JSONObject.number(direction.varianceRatio)
        object["variance_ratio_bound"] = JSONObject.number(direction.varianceRatioBound)
        return object.text
    }

    private static func number(_ value: Double) -> String { String(format: "%.3f", value) }

    private static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
}
