// A file of texts to its rows, one at a time: plain lines, comma- or tab-separated values, JSON lines.
import Glibc

/// How a file of texts is written.
package enum CaptionFileFormat: Sendable, Equatable {
    /// `.txt`: one text per line.
    case lines
    /// `.csv`, `.tsv`: RFC 4180 with this separator; the first row names the columns.
    case table(separator: UInt8)
    /// `.jsonl`: one JSON object per line.
    case objects

    /// Judges a file by its extension, upper or lower case; nil for another.
    package init?(path: String) {
        switch path.lowercased().split(separator: ".").last {
        case "txt": self = .lines
        case "csv": self = .table(separator: 0x2C)
        case "tsv": self = .table(separator: 0x09)
        case "jsonl", "ndjson": self = .objects
        default: return nil
        }
    }
}

/// Which columns of a table, or fields of objects, are text and picture.
package struct CaptionColumns: Sendable, Equatable {
    /// The default text columns: the first of them that a file has; of a list under the last name, its last element.
    package static let texts = ["text", "caption", "levels"]
    /// The default picture columns: the first of them that a file has.
    package static let pictures = ["file", "image"]

    /// The text's column; nil takes a default, or the only column of a table.
    package var text: String?
    /// The picture's column; nil takes a default where there is one.
    package var picture: String?
    /// Whether a file, or an object, without a text column is an error.
    package var needsText: Bool

    /// Names columns.
    package init(text: String? = nil, picture: String? = nil, needsText: Bool = true) {
        self.text = text
        self.picture = picture
        self.needsText = needsText
    }
}

/// One row.
package struct CaptionRow: Sendable, Equatable {
    /// The line it begins on, from 1.
    package let line: Int
    /// Its texts, exact; none for a blank line or an empty value, several where a field is a list.
    package let texts: [String]
    /// The pictures it names, several where a field is a list.
    package let pictures: [String]
    /// All its columns by name, none for plain lines; a list has several values, an empty value none.
    package let columns: [String: [String]]
}

/// A file, or one of its rows, that cannot be read.
package struct CaptionFileError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The file.
    package let path: String
    /// The line, from 1; nil where the file as a whole is at fault.
    package let line: Int?
    /// The reason, without path and line.
    package let reason: String
    package var description: String { line.map { "\(path): line \($0): \(reason)" } ?? "\(path): \(reason)" }

    package init(path: String, line: Int? = nil, reason: String) {
        self.path = path
        self.line = line
        self.reason = reason
    }
}

/// A file of texts, read as a stream: no more than one row is in memory.
package struct CaptionFile {
    /// Longer rows are refused, in bytes.
    package static let maximumRow = 1 << 20

    /// The file, for messages.
    package let path: String
    /// How it is written.
    package let format: CaptionFileFormat
    /// Which columns count.
    package let columns: CaptionColumns

    /// Names a file; nothing is opened yet.
    /// - Parameters:
    ///   - path: its extension tells the format.
    ///   - columns: which columns count.
    ///   - format: the format where the extension does not tell it; nil asks the extension.
    /// - Throws: `CaptionFileError` for a file that is not there or whose extension is unknown.
    package init(
        path: String, columns: CaptionColumns = CaptionColumns(), format: CaptionFileFormat? = nil
    ) throws(CaptionFileError) {
        guard let format = format ?? CaptionFileFormat(path: path) else {
            guard access(path, F_OK) == 0 else {
                throw CaptionFileError(path: path, reason: String(cString: strerror(errno)))
            }
            throw CaptionFileError(path: path, reason: "not .txt, .csv, .tsv or .jsonl")
        }
        self.path = path
        self.format = format
        self.columns = columns
    }

    /// Reads all rows in order.
    ///
    /// A row that is damaged in itself (no UTF-8, no JSON object, too few columns, over 1 MB) goes to `onDamage`, and the
    /// next one is read.
    /// - Parameters:
    ///   - onDamage: what to do with a damaged row; throws it on, unless told otherwise.
    ///   - body: called per row; returns false to stop.
    /// - Throws: `CaptionFileError` where the file cannot be opened or read on, lacks a column that was named, or leaves a
    ///   quote open; what the closures throw.
    package func forEachRow(
        onDamage: (CaptionFileError) throws -> Void = { throw $0 }, _ body: (CaptionRow) throws -> Bool
    ) throws {
        var bytes = try CaptionFileBytes(path: path)
        defer { bytes.close() }
        switch format {
        case .lines: try forEachLine(&bytes, onDamage, body)
        case .table(let separator): try forEachTableRow(&bytes, separator, onDamage, body)
        case .objects: try forEachObject(&bytes, onDamage, body)
        }
    }

    private func forEachLine(
        _ bytes: inout CaptionFileBytes, _ onDamage: (CaptionFileError) throws -> Void,
        _ body: (CaptionRow) throws -> Bool
    ) throws {
        while let (number, line) = try bytes.nextLine() {
            guard let text = try decode(line, number, onDamage) else { continue }
            let texts = text.allSatisfy(\.isWhitespace) ? [] : [text]
            guard try body(CaptionRow(line: number, texts: texts, pictures: [], columns: [:])) else { return }
        }
    }

    /// A line as text, or nil once its damage was reported.
    func decode(
        _ line: [UInt8]?, _ number: Int, _ onDamage: (CaptionFileError) throws -> Void
    ) throws -> String? {
        guard let line else {
            try onDamage(error(number, "longer than 1 MB"))
            return nil
        }
        guard let text = String(validating: line, as: UTF8.self) else {
            try onDamage(error(number, "not UTF-8"))
            return nil
        }
        return text
    }

    func error(_ line: Int? = nil, _ reason: String) -> CaptionFileError {
        CaptionFileError(path: path, line: line, reason: reason)
    }
}
