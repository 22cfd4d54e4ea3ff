// Hostile names to text that cannot move a cursor, end a line, or break a JSON string.
import Foundation
import Presentation
import TestSupport
import Testing

@Suite struct EscapingTests {
    @Test func controlCharactersAndForeignBytesAreVisible() {
        #expect(Escaping.visible(Array("a\nb\u{1B}[31m\u{202E}é".utf8)) == "a\\nb\\u{1b}[31m\\u{202e}é")
        #expect(Escaping.visible([0x61, 0xFF, 0x62, 0xC3]) == "a\\xffb\\xc3")
    }

    @Test(
        arguments: [
            ([], ""), (Array("plain ü 日本.jpg".utf8), "plain ü 日本.jpg"), (Array("a\\n.jpg".utf8), "a\\\\n.jpg"),
            (Array("\t\r".utf8), "\\t\\r"), ([0x7F, 0xC2, 0x9B], "\\u{7f}\\u{9b}"),
            (Array("\u{200D}\u{FEFF}".utf8), "\\u{200d}\\u{feff}"), ([0xFF, 0xFE], "\\xff\\xfe"),
            ([0xE2, 0x82], "\\xe2\\x82"), ([0xC0, 0xAF], "\\xc0\\xaf"), ([0xED, 0xA0, 0x80, 0x61], "\\xed\\xa0\\x80a"),
            ([0xF0, 0x9F, 0x98, 0x80, 0xF0, 0x9F], "😀\\xf0\\x9f"),
        ] as [([UInt8], String)])
    func visible(_ bytes: [UInt8], _ text: String) {
        #expect(Escaping.visible(bytes) == text)
    }

    /// No two names look alike, and none holds what a terminal would obey.
    @Test func randomBytesAreShownHarmlesslyAndApart() {
        var generator = SeededGenerator(seed: 7)
        var seen: [String: [UInt8]] = [:]
        for _ in 0..<3_000 {
            let alphabet: [UInt8] = [0x0A, 0x1B, 0x5C, 0x6E, 0x78, 0x31, 0x62, 0xC3, 0xA9, 0xFF, 0xE2, 0x80, 0xAE]
            let bytes = (0..<Int.random(in: 0..<6, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            let text = Escaping.visible(bytes)
            #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
            #expect(!text.unicodeScalars.contains("\u{202E}"))
            let other = seen.updateValue(bytes, forKey: text)
            #expect(other == nil || other == bytes, "\(text) stands for two names")
        }
    }

    @Test func everyASCIICharacterSurvivesJSON() throws {
        let text = String(String.UnicodeScalarView((0..<0x100).compactMap(Unicode.Scalar.init))) + "\u{2028}😀\u{FFFD}"
        let quoted = Escaping.json(text)
        #expect(!quoted.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F })
        let decoded = try JSONSerialization.jsonObject(with: Data(quoted.utf8), options: .fragmentsAllowed)
        #expect((decoded as? String)?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
    }

    @Test func validity() {
        #expect(Escaping.isUTF8([]) && Escaping.isUTF8(Array("é\u{0}".utf8)))
        #expect(!Escaping.isUTF8([0xFF]) && !Escaping.isUTF8([0xC3]) && !Escaping.isUTF8([0xC0, 0x80]))
    }
}
