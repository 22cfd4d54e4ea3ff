// Turns the text of a regular expression into a Pattern, or refuses it.

/// A recursive-descent parser of the part of Oniguruma's syntax that Pattern matches.
struct PatternParser {
    /// Why a pattern is refused.
    struct Unsupported: Error {}

    private let text: [Unicode.Scalar]
    private var index = 0

    /// Compiles the `pattern` of a tokenizer part: `{"String": …}` or `{"Regex": …}`.
    static func pattern(_ node: JSONNode) throws(TokenizerError) -> Pattern {
        let fields = try node.fields(["String", "Regex"])
        if let literal = fields["String"].ifPresent {
            let text = try literal.string()
            guard !text.isEmpty else { throw literal.refuse(expected: "a text that is not empty") }
            return Pattern(literal: text)
        }
        var parser = PatternParser(text: Array(try fields["Regex"].string().unicodeScalars))
        do {
            let root = try parser.alternatives()
            guard parser.index == parser.text.count, !parser.text.isEmpty else { throw Unsupported() }
            return Pattern(root: root)
        } catch {
            throw fields["Regex"].refuse(expected: "a pattern of literals, classes, repetitions and look-ahead")
        }
    }

    private init(text: [Unicode.Scalar]) {
        self.text = text
    }

    private mutating func alternatives() throws(Unsupported) -> Pattern.Node {
        var nodes = [try sequence()]
        while take("|") { nodes.append(try sequence()) }
        return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence() throws(Unsupported) -> Pattern.Node {
        var nodes: [Pattern.Node] = []
        while index < text.count, text[index] != "|", text[index] != ")" {
            nodes.append(try quantified(try atom()))
        }
        return .sequence(nodes)
    }

    private mutating func atom() throws(Unsupported) -> Pattern.Node {
        switch text[index] {
        case "(":
            index += 1
            return try group()
        case "[":
            index += 1
            return .set(try bracket())
        case "\\":
            index += 1
            return .set(try escape())
        case "^", "$", ".", "*", "+", "?", "{", "}", "]": throw Unsupported()
        default:
            index += 1
            return .set(Self.single(text[index - 1]))
        }
    }

    private mutating func group() throws(Unsupported) -> Pattern.Node {
        var wrap: (Pattern.Node) -> Pattern.Node = { $0 }
        if take("?") {
            guard index < text.count else { throw Unsupported() }
            switch text[index] {
            case ":": break
            case "=": wrap = { .lookahead($0, isNegative: false) }
            case "!": wrap = { .lookahead($0, isNegative: true) }
            default: throw Unsupported()
            }
            index += 1
        }
        let body = try alternatives()
        guard take(")") else { throw Unsupported() }
        return wrap(body)
    }

    /// A greedy quantifier, if one follows.
    ///
    /// Groups can only be optional: their matches never recurse by length.
    private mutating func quantified(_ node: Pattern.Node) throws(Unsupported) -> Pattern.Node {
        guard let (minimum, maximum) = try quantifier() else { return node }
        if index < text.count, "?+*{".unicodeScalars.contains(text[index]) { throw Unsupported() }
        if case .set(let set) = node { return .repetition(set, minimum: minimum, maximum: maximum) }
        guard minimum == 0, maximum == 1 else { throw Unsupported() }
        if case .lookahead = node { throw Unsupported() }
        return .optional(node)
    }

    private mutating func quantifier() throws(Unsupported) -> (Int, Int)? {
        if take("?") { return (0, 1) }
        if take("*") { return (0, .max) }
        if take("+") { return (1, .max) }
        guard take("{") else { return nil }
        guard let minimum = number() else { throw Unsupported() }
        var maximum = minimum
        if take(",") { maximum = number() ?? .max }
        guard take("}"), minimum <= maximum else { throw Unsupported() }
        return (minimum, maximum)
    }

    private mutating func number() -> Int? {
        let start = index
        while index < text.count, ("0"..."9").contains(text[index]), index - start < 9 { index += 1 }
        return Int(String(String.UnicodeScalarView(text[start..<index])))
    }

    /// The inside of `[…]`.
    private mutating func bracket() throws(Unsupported) -> Pattern.CharacterSet {
        var set = Pattern.CharacterSet(isNegative: take("^"))
        while index < text.count, text[index] != "]" {
            let member = try bracketMember()
            if member.classes.isEmpty, index + 1 < text.count, text[index] == "-", text[index + 1] != "]" {
                index += 1
                let last = try bracketMember()
                guard let from = member.ranges.first?.lowerBound, let through = last.ranges.first?.lowerBound,
                    from <= through
                else { throw Unsupported() }
                set.ranges.append(from...through)
            } else {
                set.ranges += member.ranges
                set.classes += member.classes
            }
        }
        guard take("]"), !(set.ranges.isEmpty && set.classes.isEmpty) else { throw Unsupported() }
        return set
    }

    private mutating func bracketMember() throws(Unsupported) -> Pattern.CharacterSet {
        guard index < text.count else { throw Unsupported() }
        if take("\\") { return try escape() }
        if text[index] == "[" || (text[index] == "&" && index + 1 < text.count && text[index + 1] == "&") {
            throw Unsupported()
        }
        index += 1
        return Self.single(text[index - 1])
    }

    /// What follows a backslash.
    private mutating func escape() throws(Unsupported) -> Pattern.CharacterSet {
        guard index < text.count else { throw Unsupported() }
        let scalar = text[index]
        index += 1
        switch scalar {
        case "s": return Pattern.CharacterSet(classes: [.space])
        case "S": return Pattern.CharacterSet(classes: [.not(.space)])
        case "d": return Pattern.CharacterSet(classes: [.digit])
        case "D": return Pattern.CharacterSet(classes: [.not(.digit)])
        case "w": return Pattern.CharacterSet(classes: [.word])
        case "W": return Pattern.CharacterSet(classes: [.not(.word)])
        case "p": return Pattern.CharacterSet(classes: [try category()])
        case "P": return Pattern.CharacterSet(classes: [.not(try category())])
        case "n": return Self.single("\n")
        case "r": return Self.single("\r")
        case "t": return Self.single("\t")
        case "a"..."z", "A"..."Z", "0"..."9": throw Unsupported()
        default: return Self.single(scalar)
        }
    }

    /// `{L}` or `{Lu}`.
    private mutating func category() throws(Unsupported) -> CharacterClass {
        guard take("{") else { throw Unsupported() }
        let start = index
        while index < text.count, text[index] != "}" { index += 1 }
        let name = String(String.UnicodeScalarView(text[start..<index]))
        let majors: Set = ["L", "M", "N", "P", "S", "Z", "C"]
        let isKnown = majors.contains(name) || Unicode.GeneralCategory.abbreviations.contains(name)
        guard take("}"), isKnown else { throw Unsupported() }
        return .category(name)
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard index < text.count, text[index] == scalar else { return false }
        index += 1
        return true
    }

    private static func single(_ scalar: Unicode.Scalar) -> Pattern.CharacterSet {
        Pattern.CharacterSet(ranges: [scalar.value...scalar.value])
    }
}

extension Unicode.GeneralCategory {
    /// The names `\p{…}` may have.
    static let abbreviations: Set = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cn",
    ]
}
