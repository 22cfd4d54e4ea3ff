// The fields of an expression, what each can be compared with, and how.
import Storage

/// A field by its name.
enum FilterField: String, CaseIterable {
    case path, folder, name, `extension`, taken, bytes, width, height, orientation, uncertainty, caption, text

    /// How a field stands to a value.
    enum Operator: String {
        case equal = "="
        case unequal = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case like, glob, has

        /// Reads an operator; other spellings are `==` and `<>`.
        init?(_ token: FilterToken) {
            let spelled = ["==": "=", "<>": "!="][token.text] ?? token.text.lowercased()
            guard token.kind != .string, let found = Operator(rawValue: spelled) else { return nil }
            self = found
        }

        var isWord: Bool { self == .like || self == .glob || self == .has }

        var comparison: ItemCondition.Comparison? {
            switch self {
            case .equal: .equal
            case .unequal: .unequal
            case .less: .less
            case .lessOrEqual: .lessOrEqual
            case .greater: .greater
            case .greaterOrEqual: .greaterOrEqual
            case .like, .glob, .has: nil
            }
        }

        var pattern: ItemCondition.Pattern? {
            switch self {
            case .like: .like
            case .glob: .glob
            default: nil
            }
        }
    }

    /// The fields of a collection.
    static func fields(of collection: Collection) -> [FilterField] {
        switch collection {
        case .images: allCases.filter { $0 != .text }
        case .texts: [.text, .caption, .uncertainty]
        }
    }

    /// The fields that all of some collections have.
    static func fields(of collections: [Collection]) -> [FilterField] {
        allCases.filter { field in collections.allSatisfy { fields(of: $0).contains(field) } }
    }

    /// The operators a field takes.
    var operators: [String] {
        switch self {
        case .path, .folder, .name, .extension, .text: ["=", "!=", "like", "glob", "in"]
        case .taken, .bytes, .width, .height, .uncertainty: ["=", "!=", "<", "<=", ">", ">=", "in"]
        case .orientation: ["=", "!=", "in"]
        case .caption: ["has", "=", "!=", "like", "glob", "in"]
        }
    }

    /// The field of a name; else an error that suggests the nearest.
    static func named(_ token: FilterToken, _ parser: FilterParser) throws(FilterError) -> FilterField {
        let known = fields(of: parser.collections)
        let name = token.text.lowercased()
        if let field = FilterField(rawValue: name) {
            if known.contains(field) { return field }
            let subject = parser.collections.map { "\($0)" }.joined(separator: " and ")
            let together = parser.collections.count > 1 ? " together" : ""
            throw parser.mistake("\(subject)\(together) have no \(name); they have \(list(known))", at: token)
        }
        if name.count > 1, let longer = known.first(where: { $0.rawValue.hasPrefix(name) }) {
            throw parser.mistake("no field \"\(token.text)\"; did you mean \(longer.rawValue)?", at: token)
        }
        let nearest = known.map { (field: $0, distance: distance(name, $0.rawValue)) }.min { $0.distance < $1.distance }
        if let nearest, nearest.distance <= max(2, nearest.field.rawValue.count / 3) {
            throw parser.mistake("no field \"\(token.text)\"; did you mean \(nearest.field.rawValue)?", at: token)
        }
        throw parser.mistake("no field \"\(token.text)\"; there are \(list(known))", at: token)
    }

    private static func list(_ fields: [FilterField]) -> String { fields.map(\.rawValue).joined(separator: ", ") }

    /// How many letters must be changed, added, taken away or swapped with their neighbour.
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a)
        let b = Array(b)
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var least = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
                row.append(least)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }

    /// The condition of one comparison.
    func condition(
        _ operation: Operator, _ value: FilterToken, _ parser: FilterParser
    ) throws(FilterError) -> ItemCondition {
        // What is not known meets no comparison, not even this one.
        let isNullable = self == .taken || self == .orientation
        if operation == .unequal, !isNullable { return .not(try condition(.equal, value, parser)) }
        switch self {
        case .path: return Self.text(.name, operation, value.text)
        case .text: return Self.text(.name, operation, value.text)
        case .name: return Self.text(.fileName, operation, value.text)
        case .folder: return Self.folder(operation, value.text)
        case .extension:
            let bare = value.text.hasPrefix(".") ? String(value.text.dropFirst()) : value.text
            return Self.text(.fileExtension, operation, bare.lowercased())
        case .taken: return try taken(operation, value, parser)
        case .bytes: return try number(.bytes, operation, value, parser, units: true)
        case .width: return try number(.width, operation, value, parser)
        case .height: return try number(.height, operation, value, parser)
        case .uncertainty: return try number(.totalVariance, operation, value, parser)
        case .orientation:
            let name = value.text.lowercased()
            guard ["landscape", "portrait", "square"].contains(name) else {
                throw parser.mistake("orientation is landscape, portrait or square", at: value)
            }
            return .compare(.orientation, operation.comparison ?? .equal, .text(name))
        case .caption: return try caption(operation, value, parser)
        }
    }

    private static func text(_ field: ItemCondition.Field, _ operation: Operator, _ value: String) -> ItemCondition {
        operation.pattern.map { .matches(field, $0, value) } ?? .compare(field, .equal, .text(value))
    }

    private static func folder(_ operation: Operator, _ value: String) -> ItemCondition {
        if let pattern = operation.pattern { return .matches(.folder, pattern, value) }
        let parts = value.split(separator: "/").filter { $0 != "." }
        return .isBelow(folder: Array(parts.joined(separator: "/").utf8))
    }

    private func number(
        _ field: ItemCondition.Field, _ operation: Operator, _ value: FilterToken, _ parser: FilterParser,
        units: Bool = false
    ) throws(FilterError) -> ItemCondition {
        guard let comparison = operation.comparison else { preconditionFailure("numbers take comparisons only") }
        let text = value.text.lowercased()
        let suffixes: [(String, Double)] = units ? [("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("b", 1)] : []
        let unit = suffixes.first { text.hasSuffix($0.0) }
        let digits = text.dropLast(unit?.0.count ?? 0)
        guard let number = Double(digits), number.isFinite, digits.allSatisfy({ "0123456789.e+-".contains($0) }) else {
            let example = units ? ", such as 2000000 or 2MB" : ""
            throw parser.mistake("\(rawValue) is compared with a number\(example)", at: value)
        }
        return .compare(field, comparison, .number(number * (unit?.1 ?? 1)))
    }

    /// Capture times are compared as far as the value goes: `taken <= 2019` holds all of 2019.
    private func taken(
        _ operation: Operator, _ value: FilterToken, _ parser: FilterParser
    ) throws(FilterError) -> ItemCondition {
        guard let comparison = operation.comparison else { preconditionFailure("times take comparisons only") }
        let text = value.text.replacing(" ", with: "T").uppercased()
        let shape = "0000-00-00T00:00:00"
        let lengths = [4, 7, 10, 13, 16, 19]
        let fits = zip(text, shape).allSatisfy { $1 == "0" ? $0.isASCII && $0.isNumber : $0 == $1 }
        guard fits, lengths.contains(text.count) else {
            throw parser.mistake(
                "taken is compared with a time such as 2019, 2019-06, 2019-06-01 or 2019-06-01T12:30", at: value)
        }
        let parts = text.split(whereSeparator: { "-T:".contains($0) }).compactMap { Int($0) }
        let ranges = [0...9_999, 1...12, 1...31, 0...23, 0...59, 0...60]
        guard zip(parts, ranges).allSatisfy({ $1.contains($0) }) else {
            throw parser.mistake("there is no such time", at: value)
        }
        return .compare(.taken(prefix: text.count), comparison, .text(text))
    }

    private func caption(
        _ operation: Operator, _ value: FilterToken, _ parser: FilterParser
    ) throws(FilterError) -> ItemCondition {
        guard operation == .has else { return .hasCaption(operation.pattern, value.text) }
        let words = value.text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.contains(where: { $0.contains(where: { $0.isLetter || $0.isNumber }) }) else {
            throw parser.mistake("no word to look for", at: value)
        }
        return .hasWords(words.filter { $0.contains(where: { $0.isLetter || $0.isNumber }) })
    }
}
