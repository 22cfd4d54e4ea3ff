// Turns what a person or a caption file wrote into the plain text a tokenizer expects.

/// The cleaning that open_clip applies before tokenizing.
///
/// Both rules first repair (ftfy without mojibake) and decode HTML references twice, as the training data was.
/// - SeeAlso: open_clip's `tokenizer.py`, `canonicalize_text` and `whitespace_clean`
package enum TextCleaning {
    /// SigLIP's rule: no ASCII punctuation, lower case, single spaces.
    ///
    /// Words joined by punctuation become one: "black-and-white" is "blackandwhite".
    /// - Complexity: linear in the length.
    package static func canonicalize(_ text: String) -> String {
        var scalars = basicClean(text)
        scalars = scalars.compactMap { scalar in
            if scalar == "_" { return " " }
            return isASCIIPunctuation(scalar) ? nil : scalar
        }
        scalars = PythonText.lowercased(scalars)
        return string(PythonText.stripped(collapse(scalars, PythonText.isRegexSpace)))
    }

    /// CLIP's rule: lower case and single spaces; punctuation stays.
    /// - Complexity: linear in the length.
    package static func clip(_ text: String) -> String {
        let scalars = PythonText.stripped(collapse(basicClean(text), PythonText.isSpace))
        return string(PythonText.lowercased(scalars))
    }

    /// Python's `html.unescape(html.unescape(ftfy.fix_text(text))).strip()`.
    private static func basicClean(_ text: String) -> [Unicode.Scalar] {
        let repaired = TextRepair.repair(Array(text.unicodeScalars))
        return PythonText.stripped(HTMLEntities.unescape(HTMLEntities.unescape(repaired)))
    }

    /// Each run of white space becomes one space.
    private static func collapse(
        _ text: [Unicode.Scalar], _ isSpace: (Unicode.Scalar) -> Bool
    ) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        var isInRun = false
        for scalar in text {
            let space = isSpace(scalar)
            if !space { result.append(scalar) } else if !isInRun { result.append(" ") }
            isInRun = space
        }
        return result
    }

    private static func isASCIIPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "!"..."/", ":"..."@", "["..."`", "{"..."~": true
        default: false
        }
    }

    private static func string(_ scalars: [Unicode.Scalar]) -> String {
        String(String.UnicodeScalarView(scalars))
    }
}
