// Turns a regular expression of a tokenizer.json into the places where it matches a text.

/// A compiled pattern: literals, classes, `|`, `(?:…)`, look-ahead, and `? * + {n,m}` on single characters.
///
/// That covers the patterns of CLIP, GPT-2 and T5. Whatever else Oniguruma knows is refused, so that a match here is a
/// match there.
struct Pattern: Sendable {
    /// What stands at one place of a pattern.
    indirect enum Node: Sendable {
        case set(CharacterSet)
        case sequence([Node])
        case alternatives([Node])
        case repetition(CharacterSet, minimum: Int, maximum: Int)
        case optional(Node)
        case lookahead(Node, isNegative: Bool)
    }

    /// A set of code points: ranges and properties, or all others.
    struct CharacterSet: Sendable {
        var ranges: [ClosedRange<UInt32>] = []
        var classes: [CharacterClass] = []
        var isNegative = false

        func contains(_ scalar: Unicode.Scalar) -> Bool {
            let isMember = ranges.contains { $0.contains(scalar.value) } || classes.contains { $0.contains(scalar) }
            return isMember != isNegative
        }
    }

    private let root: Node

    /// A pattern that matches exactly this text, which is not empty.
    init(literal: String) {
        root = Self.literal(literal)
    }

    init(root: Node) {
        self.root = root
    }

    /// The matches from left to right, without overlap, as ranges of UTF-8 offsets.
    ///
    /// Empty matches are skipped.
    func matches(in utf8: [UInt8]) -> [Range<Int>] {
        let text = Array(String(decoding: utf8, as: UTF8.self).unicodeScalars)
        var offsets = [0]
        offsets.reserveCapacity(text.count + 1)
        for scalar in text { offsets.append(offsets[offsets.count - 1] + UTF8.width(scalar)) }
        var matches: [Range<Int>] = []
        var start = 0
        while start < text.count {
            if let end = Self.match(root, text, start, { $0 }), end > start {
                matches.append(offsets[start]..<offsets[end])
                start = end
            } else {
                start += 1
            }
        }
        return matches
    }

    /// Backtracking: tries `node` at `start` in order of preference until `next` accepts where it ended.
    private static func match(
        _ node: Node, _ text: [Unicode.Scalar], _ start: Int, _ next: (Int) -> Int?
    ) -> Int? {
        switch node {
        case .set(let set):
            return start < text.count && set.contains(text[start]) ? next(start + 1) : nil
        case .sequence(let nodes):
            return match(nodes[...], text, start, next)
        case .alternatives(let nodes):
            for node in nodes {
                if let end = match(node, text, start, next) { return end }
            }
            return nil
        case .repetition(let set, let minimum, let maximum):
            var end = start
            while end < text.count, end - start < maximum, set.contains(text[end]) { end += 1 }
            while end - start >= minimum {
                if let result = next(end) { return result }
                end -= 1
            }
            return nil
        case .optional(let node):
            return match(node, text, start, next) ?? next(start)
        case .lookahead(let node, let isNegative):
            return (match(node, text, start) { $0 } != nil) != isNegative ? next(start) : nil
        }
    }

    private static func match(
        _ nodes: ArraySlice<Node>, _ text: [Unicode.Scalar], _ start: Int, _ next: (Int) -> Int?
    ) -> Int? {
        guard let first = nodes.first else { return next(start) }
        return match(first, text, start) { match(nodes.dropFirst(), text, $0, next) }
    }
}

/// A property of code points that patterns name.
enum CharacterClass: Sendable, Equatable {
    /// `\s`
    case space
    /// `\d`
    case digit
    /// `\w`
    case word
    /// `\p{L}` or `\p{Lu}`: general categories that start so.
    case category(String)
    /// `\S`, `\D`, `\W`, `\P{…}`.
    indirect case not(CharacterClass)

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .space: scalar.properties.isWhitespace
        case .digit: scalar.properties.generalCategory == .decimalNumber
        case .word: Self.isWord(scalar)
        case .category(let prefix): scalar.properties.generalCategory.abbreviation.hasPrefix(prefix)
        case .not(let other): !other.contains(scalar)
        }
    }

    /// Letters, marks, decimal digits and connecting punctuation.
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isAlphabetic { return true }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }
}

extension Unicode.GeneralCategory {
    /// The two letters of Unicode's tables, for example "Lu".
    var abbreviation: String {
        switch self {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
