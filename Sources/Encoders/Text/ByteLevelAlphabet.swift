// Turns bytes into the printable characters that byte-level vocabularies are written in, and back.

/// GPT-2's alphabet of 256 characters, one per byte, and its rule for words.
enum ByteLevelAlphabet {
    /// The character of each byte: itself where printable in Latin-1, else one from U+0100 on.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0..<256).compactMap { (byte: UInt32) in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
            default:
                next += 1
                return Unicode.Scalar(next - 1)
            }
        }
    }()

    private static let spelling: [[UInt8]] = scalars.map { Array(String($0).utf8) }
    private static let bytes = Dictionary(uniqueKeysWithValues: scalars.enumerated().map { ($1, UInt8($0)) })

    /// GPT-2's words: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    static let words = Pattern(
        root: .alternatives(
            ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Pattern.literal($0) } + [
                run(Pattern.CharacterSet(classes: [.category("L")])),
                run(Pattern.CharacterSet(classes: [.category("N")])),
                run(Pattern.CharacterSet(classes: [.space, .category("L"), .category("N")], isNegative: true)),
                .sequence([spaces, .lookahead(.set(Pattern.CharacterSet(classes: [.not(.space)])), isNegative: true)]),
                spaces,
            ]))

    /// Runs of white space, `\s+`.
    static let whitespace = Pattern(root: spaces)

    private static let spaces = Pattern.Node.repetition(
        Pattern.CharacterSet(classes: [.space]), minimum: 1, maximum: .max)

    private static func run(_ set: Pattern.CharacterSet) -> Pattern.Node {
        .sequence([
            .repetition(Pattern.CharacterSet(ranges: [0x20...0x20]), minimum: 0, maximum: 1),
            .repetition(set, minimum: 1, maximum: .max),
        ])
    }

    /// Each byte's character, in UTF-8.
    static func spell(_ utf8: [UInt8]) -> [UInt8] {
        utf8.flatMap { spelling[Int($0)] }
    }

    /// The text that was spelled so.
    static func read(_ spelled: String) -> String {
        String(decoding: spelled.unicodeScalars.compactMap { bytes[$0] }, as: UTF8.self)
    }
}

extension Pattern {
    /// A node that matches exactly this text.
    static func literal(_ text: String) -> Node {
        .sequence(text.unicodeScalars.map { .set(CharacterSet(ranges: [$0.value...$0.value])) })
    }
}
