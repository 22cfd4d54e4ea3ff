// Turns look-alike characters into plain ones: ligatures, full and half widths, curly quotes, Windows-1252 controls.

/// The single-character repairs of ftfy, each a function from one code point to its replacement.
///
/// - SeeAlso: https://ftfy.readthedocs.io/en/latest/fixes.html
enum CharacterFolding {
    /// The characters that code page 1252 has at 80-9F; its five holes stay as they are.
    private static let windows1252Characters: [Unicode.Scalar] = Array(
        "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ".unicodeScalars)

    private static let ligatures: [Unicode.Scalar: [Unicode.Scalar]] = [
        "Ĳ": "IJ", "ĳ": "ij", "ŉ": "ʼn", "Ǳ": "DZ", "ǲ": "Dz", "ǳ": "dz", "Ǆ": "DŽ", "ǅ": "Dž", "ǆ": "dž",
        "Ǉ": "LJ", "ǈ": "Lj", "ǉ": "lj", "Ǌ": "NJ", "ǋ": "Nj", "ǌ": "nj",
        "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st",
    ].mapValues { (text: String) in Array(text.unicodeScalars) }

    private static let widthRange: ClosedRange<UInt32> = 0xFF01...0xFFEF
    /// What the half-width and full-width forms FF01-FFEF stand for, in order; a character itself where nothing.
    private static let widths: [[Unicode.Scalar]] = widthRange.map { value in
        guard let scalar = Unicode.Scalar(value) else { return [] }
        return NormalizationForm.nfkc.apply([scalar])
    }

    /// A C1 control (80-9F) read as the Windows-1252 character it was meant to be.
    static func windows1252(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        (0x80...0x9F).contains(scalar.value) ? windows1252Characters[Int(scalar.value) - 0x80] : scalar
    }

    /// The letters of a Latin ligature; nil for any other character.
    static func ligature(_ scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
        guard (0x132...0x1F3).contains(scalar.value) || (0xFB00...0xFB06).contains(scalar.value) else { return nil }
        return ligatures[scalar]
    }

    /// The usual width of a full-width or half-width form; nil for any other character.
    static func width(_ scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
        if scalar.value == 0x3000 { return [" "] }
        return widthRange.contains(scalar.value) ? widths[Int(scalar.value - widthRange.lowerBound)] : nil
    }

    /// The straight form of a curly quotation mark; any other character itself.
    static func straightQuote(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.value {
        case 0x2BC, 0x2018...0x201B: "'"
        case 0x201C...0x201F: "\""
        default: scalar
        }
    }

    /// Whether a character only controls and is deleted: controls but white space, interlinear marks, U+FEFF.
    static func isRemovedControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: true
        default: false
        }
    }
}
