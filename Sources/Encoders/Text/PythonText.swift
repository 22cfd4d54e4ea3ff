// Turns text into lower case and trims it by the rules of Python's str, which the reference code uses.

/// What Python's `str` methods and `regex` module mean by lower case and white space.
enum PythonText {
    /// `str.lower()`: full case mapping of Unicode, with its rule for the final sigma.
    static func lowercased(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        for (index, scalar) in text.enumerated() {
            if scalar.isASCII {
                let isUpper = (0x41...0x5A).contains(scalar.value)
                result.append(isUpper ? Unicode.Scalar(UInt8(scalar.value) + 0x20) : scalar)
            } else if scalar == "Σ" {
                result.append(isFinalSigma(in: text, at: index) ? "ς" : "σ")
            } else {
                result += scalar.properties.lowercaseMapping.unicodeScalars
            }
        }
        return result
    }

    /// A sigma is final if a cased letter comes before it and none after, case-ignorable characters aside.
    private static func isFinalSigma(in text: [Unicode.Scalar], at index: Int) -> Bool {
        func isCased(_ scalar: Unicode.Scalar?) -> Bool { scalar?.properties.isCased ?? false }
        guard isCased(text[..<index].last(where: { !$0.properties.isCaseIgnorable })) else { return false }
        return !isCased(text[(index + 1)...].first(where: { !$0.properties.isCaseIgnorable }))
    }

    /// `str.strip()`.
    static func stripped(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard let first = text.firstIndex(where: { !isSpace($0) }),
            let last = text.lastIndex(where: { !isSpace($0) })
        else { return [] }
        return Array(text[first...last])
    }

    /// `str.isspace()`: Unicode's white space and the four information separators.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        (0x1C...0x1F).contains(scalar.value) || isRegexSpace(scalar)
    }

    /// `\s` of the `regex` module: Unicode's white space.
    static func isRegexSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }
}
