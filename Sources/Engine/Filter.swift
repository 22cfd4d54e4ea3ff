// `--where` text to a condition on items: the grammar stands in docs/where.md.
import Storage

/// Which items may answer a query.
public struct Filter: Sendable, Equatable {
    private let conditions: [Collection: ItemCondition]

    /// Reads an expression such as `taken >= 2019-06 and not folder = "holiday/raw"`.
    /// - Parameters:
    ///   - text: the expression.
    ///   - collection: what it is about; pictures and texts have different fields.
    /// - Throws: `FilterError`, which points at the column of the mistake.
    public init(_ text: String, for collection: Collection = .images) throws(FilterError) {
        try self.init(text, for: [collection])
    }

    /// Reads an expression about items of several collections: it may name only fields that all of them have.
    /// - Parameters:
    ///   - text: the expression.
    ///   - collections: what it is about.
    /// - Throws: `FilterError`, which points at the column of the mistake.
    public init(_ text: String, for collections: [Collection]) throws(FilterError) {
        var conditions: [Collection: ItemCondition] = [:]
        for collection in collections {
            var parser = FilterParser(
                tokens: try FilterToken.read(text), text: text, collection: collection, of: collections)
            conditions[collection] = try parser.parse()
        }
        self.conditions = conditions
    }

    /// What items of a collection must be.
    /// - Throws: `QueryError.foreignFilter` when the expression was read for another collection.
    func condition(on collection: Collection) throws(QueryError) -> ItemCondition {
        guard let condition = conditions[collection] else { throw .foreignFilter(collection) }
        return condition
    }
}

/// A mistake in an expression.
public struct FilterError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The expression.
    public let text: String
    /// Where the mistake is, in characters from 0.
    public let column: Int
    /// What is wrong.
    public let reason: String

    /// The reason, the expression, and a caret below the mistake.
    public var description: String {
        // Tabs and line ends would move the caret away.
        let line = String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
        return "\(reason)\n  \(line)\n  \(String(repeating: " ", count: column))^ column \(column + 1)"
    }
}

/// A word, a quoted string or a sign of an expression.
struct FilterToken: Equatable {
    enum Kind: Equatable {
        case word
        case string
        case sign
        case end
    }
    let kind: Kind
    let text: String
    /// Where it begins, in characters from 0.
    let column: Int

    private static let signs: Set<Character> = ["(", ")", ",", "=", "!", "<", ">"]

    /// Cuts an expression into tokens; the last one is the end.
    static func read(_ text: String) throws(FilterError) -> [FilterToken] {
        let characters = Array(text)
        var tokens: [FilterToken] = []
        var at = 0
        while at < characters.count {
            let start = at
            let character = characters[at]
            if character.isWhitespace {
                at += 1
            } else if character == "\"" || character == "'" {
                tokens.append(try quoted(characters, &at, text))
            } else if signs.contains(character) {
                at += 1
                let isDouble =
                    at < characters.count && ["!=", "==", "<>", "<=", ">="].contains("\(character)\(characters[at])")
                if isDouble { at += 1 }
                tokens.append(FilterToken(kind: .sign, text: String(characters[start..<at]), column: start))
            } else {
                while at < characters.count, !characters[at].isWhitespace, !signs.contains(characters[at]) { at += 1 }
                tokens.append(FilterToken(kind: .word, text: String(characters[start..<at]), column: start))
            }
        }
        tokens.append(FilterToken(kind: .end, text: "", column: characters.count))
        return tokens
    }

    /// A string in quotes; a quote within it is written twice.
    private static func quoted(
        _ characters: [Character], _ at: inout Int, _ text: String
    ) throws(FilterError) -> FilterToken {
        let start = at
        let quote = characters[at]
        var value = ""
        at += 1
        while at < characters.count {
            if characters[at] == quote {
                guard at + 1 < characters.count, characters[at + 1] == quote else {
                    at += 1
                    return FilterToken(kind: .string, text: value, column: start)
                }
                at += 1
            }
            value.append(characters[at])
            at += 1
        }
        throw FilterError(text: text, column: start, reason: "this quote is not closed")
    }
}
