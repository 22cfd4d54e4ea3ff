// JSON lines to rows: fields are strings, lists of strings, or anything else that is not asked for.
import Foundation

extension CaptionFile {
    /// Reads one object per line; blank lines are none.
    func forEachObject(
        _ bytes: inout CaptionFileBytes, _ onDamage: (CaptionFileError) throws -> Void,
        _ body: (CaptionRow) throws -> Bool
    ) throws {
        let decoder = JSONDecoder()
        while let (number, line) = try bytes.nextLine() {
            guard let text = try decode(line, number, onDamage), !text.allSatisfy(\.isWhitespace) else { continue }
            let row: CaptionRow
            do throws(CaptionFileError) {
                row = try self.row(text, number, decoder)
            } catch {
                try onDamage(error)
                continue
            }
            guard try body(row) else { return }
        }
    }

    private func row(_ line: String, _ number: Int, _ decoder: JSONDecoder) throws(CaptionFileError) -> CaptionRow {
        let fields: [String: Field]
        do {
            fields = try decoder.decode([String: Field].self, from: Data(line.utf8))
        } catch DecodingError.typeMismatch {
            throw error(number, "not a JSON object")
        } catch {
            throw self.error(number, "not valid JSON")
        }
        var texts: [String] = []
        if let name = columns.text ?? CaptionColumns.texts.first(where: { fields[$0] != nil }) {
            texts = try values(name, fields, number)
            if columns.text == nil, name == CaptionColumns.texts.last { texts = texts.suffix(1) }
        } else if columns.needsText {
            let names = fields.keys.sorted().joined(separator: ", ")
            throw error(number, "which field holds the text? There are: \(names)")
        }
        var pictures: [String] = []
        if let name = columns.picture {
            pictures = try values(name, fields, number)
        } else if let name = CaptionColumns.pictures.first(where: { fields[$0] != nil }) {
            pictures = fields[name]?.values ?? []
        }
        return CaptionRow(
            line: number, texts: texts.filter { !$0.isEmpty }, pictures: pictures.filter { !$0.isEmpty },
            columns: fields.compactMapValues(\.values))
    }

    private func values(
        _ name: String, _ fields: [String: Field], _ number: Int
    ) throws(CaptionFileError) -> [String] {
        guard let field = fields[name] else {
            let names = fields.keys.sorted().joined(separator: ", ")
            throw error(number, "no field \"\(name)\"; there are: \(names)")
        }
        guard let values = field.values else {
            throw error(number, "the field \"\(name)\" is neither a string nor a list of strings")
        }
        return values
    }

    /// A field's value.
    private struct Field: Decodable {
        /// A string, the strings of a list, nothing for null; nil for any other value.
        let values: [String]?

        init(from decoder: Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                values = []
            } else if let text = try? container.decode(String.self) {
                values = [text]
            } else {
                values = try? container.decode([String].self)
            }
        }
    }
}
