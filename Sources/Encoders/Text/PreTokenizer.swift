// Turns normalized text into the words that a model splits into pieces: the `pre_tokenizer` of a tokenizer.json.

/// A stretch of text between two cuts.
struct TextSpan: Sendable, Equatable {
    /// The text, not empty once cut.
    var utf8: [UInt8]
    /// Whether it starts where the whole text does.
    var isFirst: Bool
}

/// The steps of a `pre_tokenizer`, in order.
///
/// Places are followed through cuts, not through normalization: Metaspace's "first" after a cut at white space that a
/// normalizer made of the first character (NFKC of "´") differs from the `tokenizers` library.
struct PreTokenizer: Sendable {
    private enum Step: Sendable {
        case metaspace(Metaspace)
        case whitespace
        case split(Pattern, SplitBehavior, isInverted: Bool)
        case byteLevel(addsPrefixSpace: Bool, splits: Bool)
    }

    private let steps: [Step]
    /// What stands for a space in pieces, if anything does: never an unknown character.
    let spaceMark: String?
    /// Whether pieces spell bytes by the byte-level alphabet.
    let isByteLevel: Bool

    /// Interprets the JSON; a missing or null pre-tokenizer leaves the text whole.
    init(_ node: JSONNode) throws(TokenizerError) {
        let steps = try node.ifPresent.map(Self.steps) ?? []
        self.steps = steps
        spaceMark = steps.lazy.compactMap { if case .metaspace(let step) = $0 { step.mark } else { nil } }.first
        isByteLevel = steps.contains { if case .byteLevel = $0 { true } else { false } }
    }

    /// The words of a span, none empty.
    func split(_ span: TextSpan) -> [TextSpan] {
        steps.reduce([span]) { spans, step in
            spans.flatMap { Self.apply(step, $0) }.filter { !$0.utf8.isEmpty }
        }
    }

    private static func steps(_ node: JSONNode) throws(TokenizerError) -> [Step] {
        switch try node.type() {
        case "Sequence":
            var steps: [Step] = []
            for element in try node.fields(["type", "pretokenizers"])["pretokenizers"].elements() {
                steps += try Self.steps(element)
            }
            return steps
        case "Metaspace": return [.metaspace(try Metaspace(node))]
        case "WhitespaceSplit":
            _ = try node.fields(["type"])
            return [.whitespace]
        case "Split":
            let fields = try node.fields(["type", "pattern", "behavior", "invert"])
            return [
                .split(
                    try PatternParser.pattern(fields["pattern"]), try SplitBehavior(fields["behavior"]),
                    isInverted: try fields["invert"].boolean())
            ]
        case "ByteLevel":
            let fields = try node.fields(["type", "add_prefix_space", "trim_offsets", "use_regex"])
            return [
                .byteLevel(
                    addsPrefixSpace: try fields["add_prefix_space"].boolean(),
                    splits: try fields["use_regex"].ifPresent?.boolean() ?? true)
            ]
        default:
            throw node.typeError(expected: "Sequence, Metaspace, WhitespaceSplit, Split or ByteLevel")
        }
    }

    private static func apply(_ step: Step, _ span: TextSpan) -> [TextSpan] {
        switch step {
        case .metaspace(let metaspace): return metaspace.split(span)
        case .whitespace:
            return SplitBehavior.removed.split(span, at: ByteLevelAlphabet.whitespace.matches(in: span.utf8))
        case .split(let pattern, let behavior, let isInverted):
            return behavior.split(span, at: pattern.matches(in: span.utf8), isInverted: isInverted)
        case .byteLevel(let addsPrefixSpace, let splits):
            var span = span
            if addsPrefixSpace, span.utf8.first != 0x20 { span.utf8.insert(0x20, at: 0) }
            let words =
                splits
                ? SplitBehavior.isolated.split(span, at: ByteLevelAlphabet.words.matches(in: span.utf8)) : [span]
            return words.map { TextSpan(utf8: ByteLevelAlphabet.spell($0.utf8), isFirst: $0.isFirst) }
        }
    }
}

/// Cuts before each space mark, after putting one in place of each space and perhaps before the text.
struct Metaspace: Sendable {
    private enum Prepending: String { case always, first, never }

    /// What stands for a space, usually "▁".
    let mark: String
    private let prepending: Prepending
    private let splits: Bool

    /// Both dialects: `add_prefix_space` (tokenizers before 0.14) and `prepend_scheme` with `split`.
    init(_ node: JSONNode) throws(TokenizerError) {
        let fields = try node.fields(
            ["type", "replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split"])
        mark = try fields["replacement"].string()
        guard mark.unicodeScalars.count == 1 else { throw fields["replacement"].refuse(expected: "one character") }
        let addsPrefix = try fields["add_prefix_space"].ifPresent?.boolean()
        splits = try fields["split"].ifPresent?.boolean() ?? true
        guard let scheme = try fields["prepend_scheme"].ifPresent?.string() else {
            prepending = addsPrefix ?? true ? .always : .never
            return
        }
        guard let prepending = Prepending(rawValue: scheme), addsPrefix != false || prepending == .never else {
            let expected = addsPrefix == false ? "never, as add_prefix_space is false" : "always, first or never"
            throw fields["prepend_scheme"].refuse(expected: expected)
        }
        self.prepending = prepending
    }

    /// The words, each starting with the mark but perhaps the first.
    func split(_ span: TextSpan) -> [TextSpan] {
        let mark = Array(self.mark.utf8)
        var words: [TextSpan] = []
        var word: [UInt8] = []
        let prepends = prepending == .always || (prepending == .first && span.isFirst)
        if prepends, span.utf8.first != 0x20, !span.utf8.starts(with: mark) { word = mark }
        var index = 0
        func cut() {
            if splits, !word.isEmpty {
                words.append(TextSpan(utf8: word, isFirst: words.isEmpty && span.isFirst))
                word.removeAll(keepingCapacity: true)
            }
            word += mark
        }
        while index < span.utf8.count {
            if span.utf8[index] == 0x20 {
                cut()
                index += 1
            } else if span.utf8[index] == mark[0], span.utf8[index...].starts(with: mark) {
                cut()
                index += mark.count
            } else {
                word.append(span.utf8[index])
                index += 1
            }
        }
        return words + [TextSpan(utf8: word, isFirst: words.isEmpty && span.isFirst)]
    }
}
