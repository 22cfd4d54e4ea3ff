// Tokens of an expression to a condition: `or` binds less than `and`, `and` less than `not`.
import Storage

/// Recursive descent over the tokens of one expression.
struct FilterParser {
    let tokens: [FilterToken]
    let text: String
    let collection: Collection
    /// Those that the expression is about; the field must be one of all of them.
    let collections: [Collection]
    private var at = 0
    private var depth = 0
    /// Deeper brackets would only exhaust the stack.
    private static let maximumDepth = 12
    /// SQLite refuses expressions deeper than 1,000, and joins one condition below the other.
    private static let maximumComparisons = 500
    private var comparisons = 0

    init(tokens: [FilterToken], text: String, collection: Collection, of collections: [Collection]) {
        self.tokens = tokens
        self.text = text
        self.collection = collection
        self.collections = collections
    }

    /// Reads the whole expression.
    mutating func parse() throws(FilterError) -> ItemCondition {
        guard next.kind != .end else { throw mistake("the condition is empty") }
        let condition = try alternatives()
        guard next.kind == .end else {
            throw mistake(
                next.text == ")" ? "there is no opening bracket for this one" : "expected \"and\", \"or\" or the end")
        }
        return condition
    }

    var next: FilterToken { tokens[at] }

    func mistake(_ reason: String, at token: FilterToken? = nil) -> FilterError {
        FilterError(text: text, column: (token ?? next).column, reason: reason)
    }

    mutating func advance() -> FilterToken {
        let token = next
        if token.kind != .end { at += 1 }
        return token
    }

    /// Takes a keyword or sign if it comes next.
    mutating func take(_ kind: FilterToken.Kind, _ text: String) -> Bool {
        guard next.kind == kind, next.text.lowercased() == text else { return false }
        at += 1
        return true
    }

    private mutating func alternatives() throws(FilterError) -> ItemCondition {
        var parts = [try conjunction()]
        while take(.word, "or") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction() throws(FilterError) -> ItemCondition {
        var parts = [try negation()]
        while take(.word, "and") { parts.append(try negation()) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func negation() throws(FilterError) -> ItemCondition {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw mistake("too deeply nested") }
        if take(.word, "not") { return .not(try negation()) }
        guard next.text == "(", next.kind == .sign else { return try comparison() }
        let opening = advance()
        let inner = try alternatives()
        guard take(.sign, ")") else { throw mistake("this bracket is not closed", at: opening) }
        return inner
    }

    /// `field operator value`, `field in (value, ...)`, either with `not` before the operator.
    private mutating func comparison() throws(FilterError) -> ItemCondition {
        let name = next
        guard name.kind == .word, !["and", "or", "in"].contains(name.text.lowercased()) else {
            throw mistake("expected a field" + (name.kind == .word ? ", not \"\(name.text)\"" : ""))
        }
        let field = try FilterField.named(name, self)
        _ = advance()
        let isNegated = take(.word, "not")
        if take(.word, "in") {
            let condition = try list(field)
            return isNegated ? .not(condition) : condition
        }
        let operation = next
        guard let kind = FilterField.Operator(operation), !isNegated || kind.isWord else {
            let known = field.operators.joined(separator: ", ")
            throw mistake("expected how \(name.text) compares: \(known)")
        }
        guard field.operators.contains(kind.rawValue) else {
            throw mistake("\(field.rawValue) takes \(field.operators.joined(separator: ", "))")
        }
        _ = advance()
        let condition = try condition(field, kind)
        return isNegated ? .not(condition) : condition
    }

    /// A field compared with the value that comes next.
    private mutating func condition(
        _ field: FilterField, _ operation: FilterField.Operator
    ) throws(FilterError) -> ItemCondition {
        comparisons += 1
        guard comparisons <= Self.maximumComparisons else {
            throw mistake("more than \(Self.maximumComparisons) values are compared in one condition")
        }
        return try field.condition(operation, try value(), self)
    }

    private mutating func value() throws(FilterError) -> FilterToken {
        guard next.kind == .word || next.kind == .string else { throw mistake("expected a value") }
        return advance()
    }

    private mutating func list(_ field: FilterField) throws(FilterError) -> ItemCondition {
        let opening = next
        guard take(.sign, "(") else { throw mistake("expected ( and the values, separated by commas") }
        var parts: [ItemCondition] = []
        repeat {
            parts.append(try condition(field, .equal))
        } while take(.sign, ",")
        guard next.kind != .word, next.kind != .string else { throw mistake("expected a comma between two values") }
        guard take(.sign, ")") else { throw mistake("this bracket is not closed", at: opening) }
        return .any(parts)
    }
}
