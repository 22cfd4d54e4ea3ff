// Answers to JSON lines, as docs/output.schema.json describes them.
import Engine

/// One JSON object a line: `begin`, a `match` per result, `end`.
///
/// Paths are relative to the root and exact; `path_base64` holds a path that is no UTF-8.
public struct JSONLinesRenderer: ResultRenderer {
    private let query: String
    private let explains: Bool

    /// Renders answers.
    /// - Parameters:
    ///   - query: what was asked, as typed.
    ///   - explains: adds the parts of each figure.
    public init(query: String = "", explains: Bool = false) {
        self.query = query
        self.explains = explains
    }

    /// As `ResultRenderer` says.
    public func begin(_ answer: SearchAnswer) -> [UInt8] {
        var object = JSONObject()
        object["type"] = JSONObject.text("begin")
        object["query"] = JSONObject.text(query)
        object["kind"] = JSONObject.text(answer.query.kind.rawValue)
        object["query_total_variance"] = JSONObject.number(answer.query.gaussian.totalVariance)
        object["model"] = JSONObject.text(answer.model)
        object["encoding_id"] = JSONObject.text(answer.encodingID)
        object["collection"] = JSONObject.text(
            answer.isOfBothKinds ? "both" : answer.usesLexicon ? "lexicon" : "\(answer.collection)")
        object["items"] = "\(answer.itemCount)"
        return object.line
    }

    /// As `ResultRenderer` says.
    public func line(_ result: SearchResult) -> [UInt8] {
        var object = fields(result)
        object.prepend("type", JSONObject.text("match"))
        return object.line
    }

    /// As `ResultRenderer` says.
    public func end(_ answer: SearchAnswer) -> [UInt8] {
        var object = JSONObject()
        object["type"] = JSONObject.text("end")
        object["matches"] = "\(answer.results.count)"
        object["scanned"] = "\(answer.scanned)"
        object["reranked"] = "\(answer.reranked)"
        var rungs = JSONObject()
        rungs["coarse"] = "\(answer.rungs.coarse)"
        rungs["means"] = "\(answer.rungs.means)"
        rungs["residual"] = "\(answer.rungs.residual)"
        rungs["fine"] = "\(answer.rungs.fine)"
        rungs["exact"] = "\(answer.rungs.exact)"
        object["rungs"] = rungs.text
        object["convincing"] = answer.isConvincing.map { "\($0)" } ?? "null"
        object["best_match_probability"] = JSONObject.number(answer.best?.matchProbability)
        object["vagueness"] = JSONObject.number(answer.vagueness)
        object["dropped"] = JSONObject.list(
            answer.dropped.map { drop in
                var object = JSONObject()
                object["reason"] = JSONObject.text(drop.reason.rawValue)
                object["count"] = "\(drop.count)"
                return object
            })
        object["warnings"] = "[\(answer.warnings.map(Escaping.json).joined(separator: ","))]"
        var seconds = JSONObject()
        seconds["search"] = JSONObject.number(answer.seconds.search)
        seconds["finish"] = JSONObject.number(answer.seconds.finish)
        object["seconds"] = seconds.text
        return object.line
    }

    /// A query of a file and its answer on one line.
    public func line(_ answer: QueryAnswer) -> [UInt8] {
        var object = JSONObject()
        object["query_index"] = "\(answer.index)"
        object["query"] = answer.name.map(Escaping.json) ?? "null"
        object["matches"] = JSONObject.list((answer.answer?.results ?? []).map(fields))
        return object.line
    }

    /// An item of a listing.
    public func line(_ item: ListedItem) -> [UInt8] {
        var object = JSONObject()
        object["type"] = JSONObject.text("item")
        object.name(item.bytes, item.collection)
        object["total_variance"] = JSONObject.number(item.totalVariance)
        if item.collection == .images {
            object["taken"] = item.taken.map(Escaping.json) ?? "null"
            object["bytes"] = item.size.map { "\($0)" } ?? "null"
            object["width"] = item.width.map { "\($0)" } ?? "null"
            object["height"] = item.height.map { "\($0)" } ?? "null"
        }
        return object.line
    }

    private func fields(_ result: SearchResult) -> JSONObject {
        var object = JSONObject()
        object["rank"] = "\(result.rank)"
        object.name(result.bytes, result.collection)
        object["csd"] = JSONObject.number(result.csd)
        object["match_probability"] = JSONObject.number(result.matchProbability)
        object["total_variance"] = JSONObject.number(result.totalVariance)
        object["percentile"] = JSONObject.number(result.percentile)
        if explains, let parts = result.explanation {
            var explanation = JSONObject()
            explanation["mean_part"] = JSONObject.number(parts.meanPart)
            explanation["variance_part"] = JSONObject.number(parts.variancePart)
            explanation["logit"] = JSONObject.number(parts.logit)
            explanation["inclusion_of_query"] = JSONObject.number(parts.inclusionOfQuery)
            explanation["inclusion_of_result"] = JSONObject.number(parts.inclusionOfResult)
            object["explanation"] = explanation.text
        }
        return object
    }
}

/// A JSON object whose fields keep their order.
struct JSONObject {
    private var fields: [(name: String, value: String)] = []

    /// Adds a field whose value is JSON already.
    subscript(name: String) -> String {
        get { fields.first { $0.name == name }?.value ?? "null" }
        set { fields.append((name, newValue)) }
    }

    mutating func prepend(_ name: String, _ value: String) { fields.insert((name, value), at: 0) }

    /// Adds `path` and `path_base64`, null where the path is UTF-8, or `text`.
    mutating func name(_ bytes: [UInt8], _ collection: Collection) {
        self[collection == .images ? "path" : "text"] = Escaping.json(String(decoding: bytes, as: UTF8.self))
        if collection == .images {
            self["path_base64"] = Escaping.isUTF8(bytes) ? "null" : "\"\(Escaping.base64(bytes))\""
        }
    }

    /// The object as JSON.
    var text: String { "{" + fields.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",") + "}" }

    /// The object on a line of its own.
    var line: [UInt8] { Array((text + "\n").utf8) }

    static func text(_ text: String) -> String { Escaping.json(text) }

    static func list(_ objects: [JSONObject]) -> String { "[\(objects.map(\.text).joined(separator: ","))]" }

    /// The shortest digits that give the same Float64; null for what JSON cannot say.
    static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "null" }
        return "\(value)"
    }
}
