// Items of a listing to bytes.
import Engine
import Foundation

/// Turns the items of `penumbra ls` into a format.
public struct ListRenderer {
    private let format: ResultFormat
    private let style: PathStyle
    private let isNullTerminated: Bool

    /// Renders a listing.
    /// - Parameters:
    ///   - format: how.
    ///   - style: how paths are shown.
    ///   - isNullTerminated: exact names, each ended by a NUL; with `paths` only.
    public init(_ format: ResultFormat, _ style: PathStyle, isNullTerminated: Bool = false) {
        self.format = format
        self.style = style
        self.isNullTerminated = isNullTerminated
    }

    /// What stands before the first item.
    public func header(_ collection: Collection) -> [UInt8] {
        let isImages = collection == .images
        switch format {
        case .table:
            return Array(("uncertainty  " + (isImages ? "taken                path\n" : "text\n")).utf8)
        case .tsv:
            return Array(
                (isImages ? "path\ttotal_variance\ttaken\tbytes\twidth\theight\n" : "text\ttotal_variance\n").utf8)
        case .jsonl, .paths: return []
        }
    }

    /// One item, with its line end.
    public func line(_ item: ListedItem) -> [UInt8] {
        let isImage = item.collection == .images
        let name = Escaping.visible(isImage ? style.relative(item.bytes) : item.bytes)
        switch format {
        case .table:
            let taken = (item.taken ?? "-")
            let padding = String(repeating: " ", count: max(19 - taken.count, 0))
            let uncertainty = String(format: "%11.4f", item.totalVariance)
            return Array("\(uncertainty)  \(isImage ? "\(taken)\(padding)  " : "")\(name)\n".utf8)
        case .tsv:
            let more = [item.taken ?? "", number(item.size), number(item.width), number(item.height)]
            let cells = [name, "\(item.totalVariance)"] + (isImage ? more : [])
            return Array((cells.joined(separator: "\t") + "\n").utf8)
        case .jsonl: return JSONLinesRenderer().line(item)
        case .paths:
            guard isNullTerminated else { return Array("\(name)\n".utf8) }
            return (isImage ? style.relative(item.bytes) : item.bytes) + [0]
        }
    }

    private func number(_ value: Int?) -> String { value.map { "\($0)" } ?? "" }
}
