// Turns character references (`&eacute;`, `&#233;`, `&ampere`) into characters, as Python's html.unescape and ftfy do.

/// Decodes HTML character references.
enum HTMLEntities {
    /// Every named reference, by name without `&` and `;`.
    private static let named = parseTable()
    /// The names that also count without a semicolon: `amp`, `copy`, `eacute` and 103 more.
    private static let legacy = named.filter(\.value.standsAlone).mapValues(\.scalars)
    /// Lower-case names that ftfy also accepts in upper case, as it writes them: `NTILDE` is Ñ.
    private static let upperCase = upperCaseNames()
    /// HTML allows no longer names.
    private static let maximumNameLength = 32

    private struct Entity {
        let scalars: [Unicode.Scalar]
        let standsAlone: Bool
    }

    /// Decodes as Python's `html.unescape`: all references, with and without semicolon, the longest known prefix of
    /// an unknown name, numbers with the replacements HTML prescribes.
    static func unescape(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        replace(text, reference)
    }

    /// Decodes as ftfy's `unescape_html`: only references that end in a semicolon, but also upper-cased names.
    static func unescapeUnambiguous(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        replace(text, closedReference)
    }

    /// Replaces what `decode` understands after an ampersand: what it stands for, and where it ends.
    private static func replace(
        _ text: [Unicode.Scalar],
        _ decode: ([Unicode.Scalar], Int) -> (scalars: [Unicode.Scalar], next: Int)?
    ) -> [Unicode.Scalar] {
        guard text.contains("&") else { return text }
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if text[index] == "&", let (scalars, next) = decode(text, index + 1) {
                result += scalars
                index = next
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    /// One match of `&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)`: what it stands for and where it ends.
    private static func reference(
        in text: [Unicode.Scalar], after start: Int
    ) -> (scalars: [Unicode.Scalar], next: Int)? {
        guard start < text.count else { return nil }
        if text[start] == "#" { return number(in: text, after: start + 1) }
        var end = start
        while end < text.count, end - start < maximumNameLength, !endsName(text[end]) { end += 1 }
        guard end > start else { return nil }
        let name = text[start..<end]
        let isClosed = end < text.count && text[end] == ";"
        if isClosed, let entity = named[key(name)] { return (entity.scalars, end + 1) }
        for length in stride(from: name.count, through: 2, by: -1) {
            guard let scalars = legacy[key(name.prefix(length))] else { continue }
            return (scalars, start + length)
        }
        return nil
    }

    /// One match of `&#?[0-9A-Za-z]{1,24};` that ftfy decodes.
    private static func closedReference(
        in text: [Unicode.Scalar], after start: Int
    ) -> (scalars: [Unicode.Scalar], next: Int)? {
        guard start < text.count else { return nil }
        let isNumber = text[start] == "#"
        let nameStart = isNumber ? start + 1 : start
        var end = nameStart
        while end < text.count, end - nameStart < 25, isLetterOrDigit(text[end]) { end += 1 }
        guard (1...24).contains(end - nameStart), end < text.count, text[end] == ";" else { return nil }
        if isNumber {
            guard let (scalars, next) = number(in: text, after: nameStart), next == end + 1, scalars != [";"] else {
                return nil
            }
            return (scalars, next)
        }
        let name = key(text[nameStart..<end])
        guard let scalars = named[name]?.scalars ?? upperCase[name] else { return nil }
        return (scalars, end + 1)
    }

    /// Digits (after `x` hexadecimal ones) and an optional semicolon.
    private static func number(
        in text: [Unicode.Scalar], after start: Int
    ) -> (scalars: [Unicode.Scalar], next: Int)? {
        let isHexadecimal = start < text.count && (text[start] == "x" || text[start] == "X")
        let radix = isHexadecimal ? 16 : 10
        var index = isHexadecimal ? start + 1 : start
        let firstDigit = index
        var value = 0
        while index < text.count, text[index].isASCII, let digit = Character(text[index]).hexDigitValue, digit < radix {
            value = min(value * radix + digit, 0x110000)
            index += 1
        }
        guard index > firstDigit else { return nil }
        if index < text.count, text[index] == ";" { index += 1 }
        return (character(numbered: value), index)
    }

    /// HTML's answer to a numeric reference: Windows-1252 for 80-9F, nothing for controls and non-characters, U+FFFD
    /// for zero, surrogates and beyond Unicode.
    private static func character(numbered value: Int) -> [Unicode.Scalar] {
        if value == 0 { return ["\u{FFFD}"] }
        guard let scalar = Unicode.Scalar(UInt32(value)) else { return ["\u{FFFD}"] }
        if (0x80...0x9F).contains(value) { return [CharacterFolding.windows1252(scalar)] }
        let isInvalid =
            (1...8).contains(value) || value == 0xB || (0xE...0x1F).contains(value) || value == 0x7F
            || (0xFDD0...0xFDEF).contains(value) || value & 0xFFFE == 0xFFFE
        return isInvalid ? [] : [scalar]
    }

    private static func endsName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t", "\n", "\u{C}", " ", "<", "&", "#", ";": true
        default: false
        }
    }

    private static func isLetterOrDigit(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z": true
        default: false
        }
    }

    private static func key(_ name: ArraySlice<Unicode.Scalar>) -> String {
        String(String.UnicodeScalarView(name))
    }

    private static func parseTable() -> [String: Entity] {
        var table: [String: Entity] = [:]
        for entry in HTMLEntityTable.text.split(whereSeparator: \.isWhitespace) {
            let standsAlone = entry.hasPrefix("!")
            let parts = entry.drop(while: { $0 == "!" }).split(separator: "=")
            let values = parts[1].split(separator: "+").compactMap { UInt32($0, radix: 16) }
            let scalars = values.compactMap(Unicode.Scalar.init)
            table[String(parts[0])] = Entity(scalars: scalars, standsAlone: standsAlone)
        }
        return table
    }

    /// ftfy's rule: an all-lower-case name counts in upper case too, unless that already means something (`&LT;`, or
    /// `&COPYSR;`, which starts with `&COPY`); it stands for the upper-case character.
    private static func upperCaseNames() -> [String: [Unicode.Scalar]] {
        var table: [String: [Unicode.Scalar]] = [:]
        for (name, entity) in named where name == name.lowercased() {
            let upper = name.uppercased()
            let prefixes = (1...upper.count).map { String(upper.prefix($0)) }
            guard named[upper] == nil, prefixes.allSatisfy({ legacy[$0] == nil }) else { continue }
            table[upper] = entity.scalars.flatMap { Array($0.properties.uppercaseMapping.unicodeScalars) }
        }
        return table
    }
}
