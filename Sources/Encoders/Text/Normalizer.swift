// Turns text into the form a vocabulary was trained on: the `normalizer` of a tokenizer.json.

/// The steps of a `normalizer`, in order.
struct Normalizer: Sendable {
    /// One step.
    private enum Step: Sendable {
        case characterMap(CharacterMap)
        case replaceSpaces(minimum: Int, String)
        case replace(Pattern, String)
        case strip(left: Bool, right: Bool)
        case prepend(String)
        case form(NormalizationForm)
        case lowercase
    }

    private let steps: [Step]

    /// Interprets the JSON; a missing or null normalizer changes nothing.
    init(_ node: JSONNode) throws(TokenizerError) {
        steps = try node.ifPresent.map(Self.steps) ?? []
    }

    /// The text after every step.
    func apply(_ text: String) -> String {
        steps.reduce(text) { Self.apply($1, $0) }
    }

    private static func steps(_ node: JSONNode) throws(TokenizerError) -> [Step] {
        let type = try node.type()
        switch type {
        case "Sequence":
            var steps: [Step] = []
            for element in try node.fields(["type", "normalizers"])["normalizers"].elements() {
                steps += try Self.steps(element)
            }
            return steps
        case "Precompiled":
            let fields = try node.fields(["type", "precompiled_charsmap"])
            return [.characterMap(try CharacterMap(fields["precompiled_charsmap"]))]
        case "Replace": return [try replacement(try node.fields(["type", "pattern", "content"]))]
        case "Strip":
            let fields = try node.fields(["type", "strip_left", "strip_right"])
            return [.strip(left: try fields["strip_left"].boolean(), right: try fields["strip_right"].boolean())]
        case "Prepend": return [.prepend(try node.fields(["type", "prepend"])["prepend"].string())]
        case "Lowercase":
            _ = try node.fields(["type"])
            return [.lowercase]
        default:
            guard let form = NormalizationForm(rawValue: type) else {
                throw node.typeError(
                    expected: "Sequence, Precompiled, Replace, Strip, Prepend, NFC, NFD, NFKC, NFKD or Lowercase")
            }
            _ = try node.fields(["type"])
            return [.form(form)]
        }
    }

    private static func replacement(_ fields: JSONFields) throws(TokenizerError) -> Step {
        let content = try fields["content"].string()
        let pattern = try PatternParser.pattern(fields["pattern"])
        guard case .object(let members) = fields["pattern"].value else { return .replace(pattern, content) }
        switch (members["String"], members["Regex"]) {
        case (.string(" "), nil): return .replaceSpaces(minimum: 1, content)
        case (nil, .string(" {2,}")): return .replaceSpaces(minimum: 2, content)
        default: return .replace(pattern, content)
        }
    }

    private static func apply(_ step: Step, _ text: String) -> String {
        switch step {
        case .characterMap(let map): return map.apply(text)
        case .replaceSpaces(let minimum, let content): return replaceSpaces(text, minimum, content)
        case .replace(let pattern, let content): return replace(pattern, content, in: text)
        case .strip(let left, let right): return strip(text, left: left, right: right)
        case .prepend(let prefix): return text.isEmpty ? text : prefix + text
        case .form(let form): return string(form.apply(Array(text.unicodeScalars)))
        case .lowercase: return text.unicodeScalars.reduce(into: "") { $0 += $1.properties.lowercaseMapping }
        }
    }

    /// The two patterns that occur in almost every tokenizer, without a pattern: each space, or each run of several.
    private static func replaceSpaces(_ text: String, _ minimum: Int, _ content: String) -> String {
        var result: [UInt8] = []
        var run = 0
        func flush() {
            if minimum == 1 {
                for _ in 0..<run { result += content.utf8 }
            } else if run >= minimum {
                result += content.utf8
            } else {
                for _ in 0..<run { result.append(0x20) }
            }
            run = 0
        }
        for byte in text.utf8 {
            if byte == 0x20 {
                run += 1
            } else {
                if run > 0 { flush() }
                result.append(byte)
            }
        }
        flush()
        return String(decoding: result, as: UTF8.self)
    }

    private static func replace(_ pattern: Pattern, _ content: String, in text: String) -> String {
        let utf8 = Array(text.utf8)
        var result: [UInt8] = []
        var end = 0
        for match in pattern.matches(in: utf8) {
            result += utf8[end..<match.lowerBound]
            result += content.utf8
            end = match.upperBound
        }
        return String(decoding: result + utf8[end...], as: UTF8.self)
    }

    private static func strip(_ text: String, left: Bool, right: Bool) -> String {
        var scalars = text.unicodeScalars[...]
        if left { scalars = scalars.drop(while: \.properties.isWhitespace) }
        while right, let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }

    private static func string(_ scalars: [Unicode.Scalar]) -> String {
        String(String.UnicodeScalarView(scalars))
    }
}
