// Turns damaged text into what was meant, line by line: the steps of Python's ftfy, without its repair of mojibake.

/// ftfy 6's `fix_text` with `fix_encoding` off.
///
/// - SeeAlso: https://ftfy.readthedocs.io/en/latest/config.html
enum TextRepair {
    /// ftfy looks at no more than this many code points of a line at a time.
    private static let maximumSegmentLength = 1_000_000

    /// Repairs each line.
    ///
    /// From the first line with a "<" on, the text counts as HTML, whose references stay.
    static func repair(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        if text.allSatisfy(isPlain) { return text }
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        var start = 0
        var isMarkup = false
        while start < text.count {
            let lineEnd = text[start...].firstIndex(of: "\n").map { $0 + 1 } ?? text.count
            let end = min(lineEnd, start + maximumSegmentLength)
            let segment = Array(text[start..<end])
            isMarkup = isMarkup || segment.contains("<")
            result += repairSegment(segment, decodesEntities: !isMarkup)
            start = end
        }
        return result
    }

    /// Printable ASCII but "&", tab, line feed and form feed: nothing to repair.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x26: false
        case 0x20...0x7E, 0x09, 0x0A, 0x0C: true
        default: false
        }
    }

    /// All steps, again and again until nothing changes: decoding `&amp;eacute;` leaves `&eacute;`.
    private static func repairSegment(_ segment: [Unicode.Scalar], decodesEntities: Bool) -> [Unicode.Scalar] {
        var text = segment
        while true {
            let before = text
            if decodesEntities { text = HTMLEntities.unescapeUnambiguous(text) }
            text = foldCharacters(text)
            text = unifyLineBreaks(text)
            text = removeTerminalEscapes(text)
            text.removeAll(where: CharacterFolding.isRemovedControl)
            text = NormalizationForm.nfc.apply(text)
            if text == before { return text }
        }
    }

    /// C1 controls, ligatures, widths, quotes: each looks at one character, so one pass does them in ftfy's order.
    private static func foldCharacters(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        for scalar in text {
            let meant = CharacterFolding.windows1252(scalar)
            for letter in CharacterFolding.ligature(meant) ?? CharacterFolding.width(meant) ?? [meant] {
                result.append(CharacterFolding.straightQuote(letter))
            }
        }
        return result
    }

    /// CR LF, CR, U+2028 and U+2029 become LF. (U+0085 cannot occur: it was read as Windows-1252's ellipsis.)
    private static func unifyLineBreaks(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        for (index, scalar) in text.enumerated() {
            switch scalar {
            case "\r" where index + 1 < text.count && text[index + 1] == "\n": continue
            case "\r", "\u{2028}", "\u{2029}": result.append("\n")
            default: result.append(scalar)
            }
        }
        return result
    }

    /// Deletes what matches `ESC [ (\d|;)* [a-zA-Z]`, the colours of terminals; `\d` is any decimal digit of Unicode.
    private static func removeTerminalEscapes(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard text.contains("\u{1B}") else { return text }
        var result: [Unicode.Scalar] = []
        var index = 0
        while index < text.count {
            if let end = terminalEscapeEnd(in: text, at: index) {
                index = end
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    private static func terminalEscapeEnd(in text: [Unicode.Scalar], at start: Int) -> Int? {
        guard text[start] == "\u{1B}", start + 1 < text.count, text[start + 1] == "[" else { return nil }
        var index = start + 2
        while index < text.count, text[index] == ";" || text[index].properties.generalCategory == .decimalNumber {
            index += 1
        }
        guard index < text.count else { return nil }
        switch text[index] {
        case "a"..."z", "A"..."Z": return index + 1
        default: return nil
        }
    }
}
