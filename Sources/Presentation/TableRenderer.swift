// Results to a table for people, fitted to the terminal's width.
import Engine
import Foundation

/// A table: rank, match, CSD, uncertainty, path.
///
/// The path is shortened in the middle where the terminal is narrow.
public struct TableRenderer: ResultRenderer {
    private let style: PathStyle
    private let width: Int?
    /// Columns before the path.
    private static let indent = 35

    /// Renders for a terminal.
    /// - Parameters:
    ///   - style: how paths are shown.
    ///   - width: columns of the terminal; nil does not shorten anything.
    public init(_ style: PathStyle, width: Int?) {
        self.style = style
        self.width = width
    }

    /// As `ResultRenderer` says.
    public var header: [UInt8] { Array("   #  match      csd  uncertainty  path\n".utf8) }

    /// As `ResultRenderer` says.
    public func line(_ result: SearchResult) -> [UInt8] {
        let match = result.matchProbability.map(Self.percent) ?? "-"
        let numbers = [
            "\(result.rank)".padded(4), match.padded(5), String(format: "%7.4f", result.csd),
            String(format: "%11.4f", result.totalVariance), fit(Escaping.visible(style.relative(result.path))),
        ]
        return Array((numbers.joined(separator: "  ") + "\n").utf8)
    }

    /// "87 %", "<1 %": no more digits than the calibration can carry.
    public static func percent(_ probability: Double) -> String {
        switch probability {
        case ..<0.01: "<1 %"
        case 0.99...: ">99 %"
        default: "\(Int((probability * 100).rounded())) %"
        }
    }

    private func fit(_ path: String) -> String {
        guard let width else { return path }
        let room = max(width - Self.indent, 16)
        guard path.count > room else { return path }
        return "\(path.prefix(room / 3))\u{2026}\(path.suffix(room - room / 3 - 1))"
    }
}

extension String {
    /// Spaces before, up to a width.
    func padded(_ width: Int) -> String { String(repeating: " ", count: max(width - count, 0)) + self }
}
