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
    /// The paths or texts alone, one a line.
    case paths
}

/// Turns answers into bytes.
public protocol ResultRenderer {
    /// What stands before the first result, with its line end; may be empty.
    func begin(_ answer: SearchAnswer) -> [UInt8]
    /// One result, with its line end.
    func line(_ result: SearchResult) -> [UInt8]
    /// What stands behind the last result.
    func end(_ answer: SearchAnswer) -> [UInt8]
    /// The renderer with the columns that some result of the answer needs.
    func fitted(to answer: SearchAnswer) -> any ResultRenderer
}

extension ResultRenderer {
    /// Nothing, but for formats that say how the answer came about.
    public func end(_ answer: SearchAnswer) -> [UInt8] { [] }

    /// The same: most formats have the same columns for every answer.
    public func fitted(to answer: SearchAnswer) -> any ResultRenderer { self }

    /// A whole answer.
    public func render(_ answer: SearchAnswer) -> [UInt8] {
        let fitted = fitted(to: answer)
        return answer.results.reduce(into: begin(answer)) { $0 += fitted.line($1) } + end(answer)
    }
}

extension SearchResult {
    /// The name for people: a path relative to the current folder, or a text, escaped.
    func visibleName(_ style: PathStyle) -> String {
        Escaping.visible(collection == .images ? style.relative(bytes) : bytes)
    }
}

/// Tab-separated values: a header, then a row per result.
///
/// Paths are relative to the current folder, escaped. What is not defined is empty.
public struct TSVRenderer: ResultRenderer {
    private let style: PathStyle
    private let explains: Bool
    private let prefix: String

    /// Renders paths in a style.
    /// - Parameters:
    ///   - style: how paths are shown.
    ///   - explains: adds the parts of each figure.
    ///   - queryIndex: adds a first column with the number of the query.
    public init(_ style: PathStyle, explains: Bool = false, queryIndex: Int? = nil) {
        self.style = style
        self.explains = explains
        prefix = queryIndex.map { "\($0)\t" } ?? ""
    }

    /// As `ResultRenderer` says.
    public func begin(_ answer: SearchAnswer) -> [UInt8] {
        header(named: answer.nameOfNames)
    }

    /// The names of the columns.
    public func header(_ collection: Collection) -> [UInt8] { header(named: collection == .images ? "path" : "text") }

    private func header(named name: String) -> [UInt8] {
        let query = prefix.isEmpty ? "" : "query_index\t"
        let more = explains ? "\tmean_part\tvariance_part\tlogit\tinclusion_of_query\tinclusion_of_result" : ""
        return Array("\(query)rank\t\(name)\tcsd\tmatch_probability\ttotal_variance\tpercentile\(more)\n".utf8)
    }

    /// As `ResultRenderer` says.
    public func line(_ result: SearchResult) -> [UInt8] {
        var cells = [
            "\(result.rank)", result.visibleName(style), "\(result.csd)", Self.cell(result.matchProbability),
            "\(result.totalVariance)", Self.cell(result.percentile),
        ]
        if explains, let explanation = result.explanation {
            cells += ["\(explanation.meanPart)", "\(explanation.variancePart)", Self.cell(explanation.logit)]
            cells += [Self.cell(explanation.inclusionOfQuery), Self.cell(explanation.inclusionOfResult)]
        }
        return Array((prefix + cells.joined(separator: "\t") + "\n").utf8)
    }

    private static func cell(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
}

/// The paths or texts alone: exact and NUL-terminated, or escaped, one a line; paths relative to the current folder.
public struct PathRenderer: ResultRenderer {
    private let style: PathStyle
    private let isNullTerminated: Bool

    /// Renders paths in a style, exact and NUL-terminated for `xargs -0` or one a line for people.
    public init(_ style: PathStyle, isNullTerminated: Bool) {
        self.style = style
        self.isNullTerminated = isNullTerminated
    }

    /// As `ResultRenderer` says.
    public func begin(_ answer: SearchAnswer) -> [UInt8] { [] }

    /// As `ResultRenderer` says.
    public func line(_ result: SearchResult) -> [UInt8] {
        guard isNullTerminated else { return Array("\(result.visibleName(style))\n".utf8) }
        return (result.collection == .images ? style.relative(result.bytes) : result.bytes) + [0]
    }
}

extension SearchAnswer {
    /// The heading above the names of its results.
    var nameOfNames: String { isOfBothKinds ? "path or text" : collection == .images ? "path" : "text" }
}
