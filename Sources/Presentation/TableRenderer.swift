// Results to a table for people, fitted to the terminal's width.
import Engine
import Foundation

/// A table: rank, match, CSD, uncertainty, path or text.
///
/// Where there is no match probability, `closest` tells which share of a fixed sample is as close. The name is shortened
/// in the middle where the terminal is narrow.
public struct TableRenderer: ResultRenderer {
    private let style: PathStyle
    private let width: Int?
    private let explains: Bool
    private var showsPercentiles = false

    /// Renders for a terminal.
    /// - Parameters:
    ///   - style: how paths are shown.
    ///   - width: columns of the terminal; nil does not shorten anything.
    ///   - explains: adds the parts of each figure on a line of their own.
    public init(_ style: PathStyle, width: Int?, explains: Bool = false) {
        self.style = style
        self.width = width
        self.explains = explains
    }

    /// As `ResultRenderer` says.
    public func begin(_ answer: SearchAnswer) -> [UInt8] {
        let hasPercentile = answer.results.contains { $0.percentile != nil }
        let closest = hasPercentile ? "closest  " : ""
        return Array(("   #  match      csd  uncertainty  \(closest)\(answer.nameOfNames)\n").utf8)
    }

    /// As `ResultRenderer` says.
    public func fitted(to answer: SearchAnswer) -> any ResultRenderer {
        var fitted = self
        fitted.showsPercentiles = answer.results.contains { $0.percentile != nil }
        return fitted
    }

    /// As `ResultRenderer` says.
    public func line(_ result: SearchResult) -> [UInt8] {
        let match = result.matchProbability.map(Self.percent) ?? "-"
        var numbers = [
            "\(result.rank)".padded(4), match.padded(5), String(format: "%7.4f", result.csd),
            String(format: "%11.4f", result.totalVariance),
        ]
        if showsPercentiles || result.percentile != nil {
            numbers.append((result.percentile.map(Self.share) ?? "-").padded(7))
        }
        let indent = numbers.reduce(0) { $0 + $1.count + 2 }
        numbers.append(fit(result.visibleName(style), behind: indent))
        return Array((numbers.joined(separator: "  ") + "\n" + (explains ? explanation(result) : "")).utf8)
    }

    /// Where figures are explained, how many items each rung of the search touched.
    public func end(_ answer: SearchAnswer) -> [UInt8] {
        guard explains, answer.rungs.exact > 0 else { return [] }
        let rungs = [
            (answer.rungs.coarse, "bounded from coarse codes"), (answer.rungs.means, "from means"),
            (answer.rungs.residual, "from residual codes"), (answer.rungs.fine, "from fine codes"),
            (answer.rungs.exact, "compared exactly"),
        ]
        let words = rungs.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return Array("      of \(answer.scanned) items \(words.joined(separator: ", "))\n".utf8)
    }

    /// The parts of the figures, in words.
    private func explanation(_ result: SearchResult) -> String {
        guard let parts = result.explanation else { return "" }
        var words = [
            String(format: "csd = means %.4f + variances %.4f", parts.meanPart, parts.variancePart),
            parts.logit.map { String(format: "logit %.3f", $0) } ?? "no logit between two of a kind",
        ]
        if let query = parts.inclusionOfQuery, let result = parts.inclusionOfResult {
            words.append(String(format: "inclusion of the query %.2f, of the result %.2f nats", query, result))
        } else {
            words.append("no inclusion: the model gives points")
        }
        return wrapped(words)
    }

    /// Parts between semicolons, on as many indented lines as the terminal's width needs.
    private func wrapped(_ parts: [String]) -> String {
        let indent = "      "
        var lines: [String] = []
        for (place, part) in parts.enumerated() {
            let text = part + (place < parts.count - 1 ? ";" : "")
            if let last = lines.last, indent.count + last.count + 1 + text.count <= width ?? .max {
                lines[lines.count - 1] = "\(last) \(text)"
            } else {
                lines.append(text)
            }
        }
        return lines.map { "\(indent)\($0)\n" }.joined()
    }

    /// "87 %", "<1 %": no more digits than the calibration can carry.
    public static func percent(_ probability: Double) -> String {
        switch probability {
        case ..<0.01: "<1 %"
        case 0.99...: ">99 %"
        default: "\(Int((probability * 100).rounded())) %"
        }
    }

    /// "0.3 %": the share of strangers that are closer.
    static func share(_ percentile: Double) -> String {
        percentile < 0.1 ? String(format: "%.1f %%", percentile * 100) : "\(Int((percentile * 100).rounded())) %"
    }

    private func fit(_ path: String, behind indent: Int) -> String {
        guard let width else { return path }
        let room = max(width - indent, 16)
        guard path.count > room else { return path }
        return "\(path.prefix(room / 3))\u{2026}\(path.suffix(room - room / 3 - 1))"
    }
}

extension String {
    /// Spaces before, up to a width.
    func padded(_ width: Int) -> String { String(repeating: " ", count: max(width - count, 0)) + self }
}
