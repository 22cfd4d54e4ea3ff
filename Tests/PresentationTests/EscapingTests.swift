import Presentation
import Testing

@Suite struct EscapingTests {
    @Test func controlCharactersAndForeignBytesAreVisible() {
        #expect(Escaping.visible(Array("a\nb\u{1B}[31m\u{202E}é".utf8)) == "a\\nb\\u{1b}[31m\\u{202e}é")
        #expect(Escaping.visible([0x61, 0xFF, 0x62, 0xC3]) == "a\\xffb\\xc3")
    }
}
