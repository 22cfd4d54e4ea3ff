// Comma- or tab-separated values to rows, as RFC 4180 has them: quotes, newlines within quotes, CRLF.

extension CaptionFile {
    /// Reads a table whose first row names the columns.
    func forEachTableRow(
        _ bytes: inout CaptionFileBytes, _ separator: UInt8, _ onDamage: (CaptionFileError) throws -> Void,
        _ body: (CaptionRow) throws -> Bool
    ) throws {
        guard let (_, first) = try record(&bytes, separator) else { throw error(nil, "empty, without a header") }
        guard let header = Self.decoded(first) else { throw error(1, "not UTF-8") }
        let text = try textColumn(header)
        let picture = try pictureColumn(header)
        while let (line, fields) = try record(&bytes, separator) {
            guard let values = Self.decoded(fields) else {
                try onDamage(error(line, "not UTF-8"))
                continue
            }
            guard values.count == header.count else {
                try onDamage(error(line, "\(values.count) columns where the header has \(header.count)"))
                continue
            }
            let named = zip(header, values).map { ($0, $1.isEmpty ? [] : [$1]) }
            let row = CaptionRow(
                line: line, texts: text.map { values[$0].isEmpty ? [] : [values[$0]] } ?? [],
                pictures: picture.map { values[$0].isEmpty ? [] : [values[$0]] } ?? [],
                columns: Dictionary(named, uniquingKeysWith: { first, _ in first }))
            guard try body(row) else { return }
        }
    }

    private static func decoded(_ fields: [[UInt8]]) -> [String]? {
        let texts = fields.compactMap { String(validating: $0, as: UTF8.self) }
        return texts.count == fields.count ? texts : nil
    }

    private func textColumn(_ header: [String]) throws -> Int? {
        if let name = columns.text { return try named(name, header) }
        if let name = CaptionColumns.texts.first(where: header.contains) { return try named(name, header) }
        if header.count == 1 { return 0 }
        guard columns.needsText else { return nil }
        throw error(1, "which column holds the text? There are: \(header.joined(separator: ", "))")
    }

    private func pictureColumn(_ header: [String]) throws -> Int? {
        if let name = columns.picture { return try named(name, header) }
        return try CaptionColumns.pictures.first(where: header.contains).flatMap { try named($0, header) }
    }

    private func named(_ name: String, _ header: [String]) throws -> Int {
        guard let index = header.firstIndex(of: name) else {
            throw error(1, "no column \"\(name)\"; there are: \(header.joined(separator: ", "))")
        }
        guard header.lastIndex(of: name) == index else { throw error(1, "two columns are named \"\(name)\"") }
        return index
    }

    /// The next record with the line it begins on, nil at the end; blank lines are none.
    private func record(
        _ bytes: inout CaptionFileBytes, _ separator: UInt8
    ) throws -> (line: Int, fields: [[UInt8]])? {
        while true {
            let line = bytes.line
            var fields: [[UInt8]] = []
            var size = 0
            var end = FieldEnd.field
            while end == .field {
                var field: [UInt8] = []
                end = try self.field(&bytes, separator, from: line, &field, &size)
                if end == .file, fields.isEmpty, field.isEmpty { return nil }
                fields.append(field)
            }
            if fields == [[]] { continue }
            return (line, fields)
        }
    }

    /// What ended a field.
    private enum FieldEnd { case field, record, file }

    /// Reads one field and what ends it.
    private func field(
        _ bytes: inout CaptionFileBytes, _ separator: UInt8, from line: Int, _ field: inout [UInt8], _ size: inout Int
    ) throws -> FieldEnd {
        if try bytes.take(0x22) {
            try quoted(&bytes, from: line, &field, &size)
            guard let byte = try bytes.next() else { return .file }
            if byte == separator { return .field }
            if byte == 0x0A { return .record }
            if byte == 0x0D, try bytes.take(0x0A) { return .record }
            throw error(bytes.line, "text after a closing quote; a quote within quotes is written twice")
        }
        while let byte = try bytes.next() {
            if byte == separator { return .field }
            if byte == 0x0A { return .record }
            if byte == 0x0D, try bytes.take(0x0A) { return .record }
            field.append(byte)
            size += 1
            guard size <= Self.maximumRow else { throw error(line, "a row of over 1 MB") }
        }
        return .file
    }

    /// Reads up to the closing quote.
    private func quoted(
        _ bytes: inout CaptionFileBytes, from line: Int, _ field: inout [UInt8], _ size: inout Int
    ) throws {
        while let byte = try bytes.next() {
            if byte == 0x22, try !bytes.take(0x22) { return }
            field.append(byte)
            size += 1
            guard size <= Self.maximumRow else { throw error(line, "a row of over 1 MB: is a quote left open?") }
        }
        throw error(line, "a quote is left open")
    }
}
