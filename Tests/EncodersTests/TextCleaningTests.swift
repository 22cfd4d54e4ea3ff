// Checks the cleaning against open_clip's, stage by stage, on the golden texts.
import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct TextCleaningTests {
    @Test func canonicalizesLikeTheReference() throws {
        let cases = try TokenizerGoldens.load().cases
        #expect(cases.count >= 50)
        for golden in cases {
            #expect(scalars(TextCleaning.canonicalize(golden.text)) == scalars(golden.canonical), "\(golden.name)")
        }
    }

    @Test(arguments: [
        ("  A  Photo of\ta CAT!  ", "a photo of a cat!"),
        ("caf&eacute; &amp;amp; bar", "café & bar"),
        ("“quoted” ΟΔΟΣ", "\"quoted\" οδος"),
        ("", ""),
    ])
    func cleansForCLIP(text: String, expected: String) {
        #expect(scalars(TextCleaning.clip(text)) == scalars(expected))
    }

    @Test func keepsReferencesInMarkup() {
        #expect(TextCleaning.clip("&NTILDE;\n<b> &NTILDE;") == "ñ <b> &ntilde;")
    }

    @Test(arguments: [
        ("&notit;", "¬it;"), ("&ampere", "&ere"), ("&#x110000;&#0;", "\u{FFFD}\u{FFFD}"), ("&#128;", "€"),
        ("&#1;x", "x"), ("&#59;", ";"), ("&;&#;&#x;&", "&;&#;&#x;&"), ("&CounterClockwiseContourIntegral;", "∳"),
        ("&fjlig;&nLtv;", "fj≪\u{338}"), ("&SZLIG;", "ss"), ("&COPYSR;", "©sr;"),
    ])
    func decodesReferences(text: String, expected: String) {
        #expect(scalars(TextCleaning.clip(text)) == scalars(expected))
    }

    /// Strings compare by canonical equivalence, under which NFC and NFD are equal; scalars do not.
    private func scalars(_ text: String) -> [Unicode.Scalar] { Array(text.unicodeScalars) }
}
