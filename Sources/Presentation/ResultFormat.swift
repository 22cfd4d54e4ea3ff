// Results to bytes: one renderer per format behind one protocol.
import Engine

/// The formats of a result list.
public enum ResultFormat: String, CaseIterable, Sendable {
    /// Columns for people, fitted to the terminal.
    case table
    /// Tab-separated values with a header.
    case tsv
    /// One JSON object a line.
    case jsonl
    /// The paths alone, one a line.
    case paths
}

/// Turns results into text.
public protocol ResultRenderer {
    /// What stands before the first result, with its line end; may be empty.
    var header: [UInt8] { get }
    /// One result, with its line end.
    func line(_ result: SearchResult) -> [UInt8]
}

/// Tab-separated values: a header, then a row per result.
///
/// Paths are relative to the current folder, escaped.
public struct TSVRenderer: ResultRenderer {
    private let style: PathStyle
    /// As `ResultRenderer` says.
    public var header: [UInt8] { Array("rank\tpath\tcsd\tmatch_probability\ttotal_variance\n".utf8) }

    /// Renders paths in a style.
    public init(_ style: PathStyle) { self.style = style }

    /// As `ResultRenderer` says.
    public func line(_ result: SearchResult) -> [UInt8] {
        let path = Escaping.visible(style.relative(result.path))
        let probability = result.matchProbability.map { "\($0)" } ?? ""
        return Array("\(result.rank)\t\(path)\t\(result.csd)\t\(probability)\t\(result.totalVariance)\n".utf8)
    }
}

/// One JSON object a line.
///
/// Paths are relative to the root and exact; `path_base64` holds a path that is no UTF-8.
public struct JSONLinesRenderer: ResultRenderer {
    /// As `ResultRenderer` says.
    public var header: [UInt8] { [] }

    /// Has no settings.
    public init() {}

    /// As `ResultRenderer` says.
    public func line(_ result: SearchResult) -> [UInt8] {
        let name =
            Escaping.isUTF8(result.path)
            ? "\"path\":\(Escaping.json(result.name))"
            : "\"path\":\(Escaping.json(result.name)),\"path_base64\":\"\(Escaping.base64(result.path))\""
        return Array(
            ("{\"rank\":\(result.rank),\(name),\"csd\":\(Self.number(result.csd)),"
                + "\"match_probability\":\(Self.number(result.matchProbability)),"
                + "\"total_variance\":\(Self.number(result.totalVariance))}\n").utf8)
    }

    /// The shortest digits that give the same Float64; null for what JSON cannot say.
    private static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "null" }
        return "\(value)"
    }
}

/// The paths alone, relative to the current folder: exact and NUL-terminated, or escaped, one a line.
public struct PathRenderer: ResultRenderer {
    private let style: PathStyle
    private let isNullTerminated: Bool
    /// As `ResultRenderer` says.
    public var header: [UInt8] { [] }

    /// Renders paths in a style, exact and NUL-terminated for `xargs -0` or one a line for people.
    public init(_ style: PathStyle, isNullTerminated: Bool) {
        self.style = style
        self.isNullTerminated = isNullTerminated
    }

    /// As `ResultRenderer` says.
    public func line(_ result: SearchResult) -> [UInt8] {
        let path = style.relative(result.path)
        return isNullTerminated ? path + [0] : Array("\(Escaping.visible(path))\n".utf8)
    }
}
