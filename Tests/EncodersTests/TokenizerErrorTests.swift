// Checks that a tokenizer.json which is damaged or not understood is refused, and in which words.
import Encoders
import Foundation
import TestSupport
import Testing

/// A tokenizer small enough to damage by hand.
enum TokenizerText {
    static let valid = """
        {"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":1,"content":"</s>","single_word":false,\
        "lstrip":false,"rstrip":false,"normalized":false,"special":true}],"normalizer":{"type":"Replace","pattern":\
        {"Regex":" {2,}"},"content":" "},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","add_prefix_space":true},\
        "post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},\
        {"SpecialToken":{"id":"</s>","type_id":0}}],"pair":[],"special_tokens":{"</s>":{"id":"</s>","ids":[1],\
        "tokens":["</s>"]}}},"decoder":null,"model":{"type":"Unigram","unk_id":2,"vocab":[["<pad>",0],["</s>",0.0],\
        ["<unk>",0e0],["▁a",-2.5],["\\u25811",-3]]}}
        """
}

@Suite struct TokenizerErrorTests {
    @Test func readsTheUndamagedOne() throws {
        let tokenizer = try Tokenizer(text: TokenizerText.valid)
        #expect(tokenizer.vocabularySize == 5)
        #expect(tokenizer.encode("a 1", contextLength: 4).ids == [3, 4, 1, 1])
    }

    @Test(arguments: [
        ("\"version\":\"1.0\"", "\"version\":\"2.0\"", "version: expected \"1.0\", got \"2.0\""),
        ("\"decoder\":null", "\"extra\":[1,2]", "extra: expected no such key, got a list of 2"),
        (
            "\"type\":\"Replace\"", "\"type\":\"StripAccents\"",
            "normalizer.type: expected Sequence, Precompiled, Replace, Strip, Prepend, NFC, NFD, NFKC, NFKD or "
                + "Lowercase, got \"StripAccents\""
        ),
        ("\"content\":\" \"}", "\"content\":7}", "normalizer.content: expected a string, got 7"),
        (
            " {2,}", "(?<name>a)",
            "normalizer.pattern.Regex: expected a pattern of literals, classes, repetitions and look-ahead, "
                + "got \"(?<name>a)\""
        ),
        (
            "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\" \"}",
            "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}",
            "normalizer.precompiled_charsmap: expected a character map, got 3 bytes"
        ),
        (
            "\"type\":\"Metaspace\"", "\"type\":\"Digits\"",
            "pre_tokenizer.type: expected Sequence, Metaspace, WhitespaceSplit, Split or ByteLevel, got \"Digits\""
        ),
        (
            "\"add_prefix_space\":true", "\"add_prefix_space\":false,\"prepend_scheme\":\"always\"",
            "pre_tokenizer.prepend_scheme: expected never, as add_prefix_space is false, got \"always\""
        ),
        ("\"type\":\"Unigram\"", "\"type\":\"WordPiece\"", "model.type: expected Unigram or BPE, got \"WordPiece\""),
        ("\"type\":\"Unigram\"", "\"type\":\"BPE\"", "model.unk_id: expected no such key, got 2"),
        ("\"unk_id\":2", "\"unk_id\":5", "model.unk_id: expected an id below 5, got 5"),
        (
            "\"id\":1,\"content\"", "\"id\":3,\"content\"",
            "added_tokens[0].id: expected 1, as in the vocabulary, got 3"
        ),
        ("\"lstrip\":false,", "", "added_tokens[0].lstrip: expected true or false, got nothing"),
        (
            "{\"SpecialToken\":{\"id\":\"</s>\"", "{\"SpecialToken\":{\"id\":\"<s>\"",
            "post_processor.single[1].SpecialToken.id: expected one of special_tokens, got \"<s>\""
        ),
        (
            "\"ids\":[1]", "\"ids\":[1.5]",
            "post_processor.special_tokens.</s>.ids[0]: expected a token id, got 1.5"
        ),
    ])
    func refusesWhatItDoesNotUnderstand(part: String, replacement: String, message: String) throws {
        #expect(TokenizerText.valid.contains(part))
        let text = TokenizerText.valid.replacing(part, with: replacement)
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(text: text) }
        #expect(error?.description == "t.json: \(message)")
    }

    @Test(arguments: [
        ("", "t.json: byte 0: expected \"{\", got the end of the file"),
        ("[]", "t.json: byte 0: expected \"{\", got \"[\""),
        ("{\"version\":\"1.0\"", "t.json: byte 16: expected \"}\", got the end of the file"),
        ("{\"version\":\"1.0", "t.json: byte 15: expected the end of a string, got the end of the file"),
        ("{\"version\":01}", "t.json: byte 13: expected a number, got \"}\""),
        ("{\"version\":\"\\ud800\"}", "t.json: byte 18: expected the second half of a surrogate pair, got \"\"\""),
        ("{\"model\":{\"vocab\":[[\"a\",x]]}}", "t.json: byte 24: expected a number, got \"x\""),
        (
            "{\"model\":{\"merges\":[\"a b c\"]}}",
            "t.json: model.merges[0]: expected two pieces and one space, got \"a b c\""
        ),
        ("{} {}", "t.json: byte 3: expected the end of the file, got \"{\""),
        ("{}", "t.json: version: expected \"1.0\", got nothing"),
    ])
    func refusesDamagedJSON(text: String, message: String) {
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(text: text) }
        #expect(error?.description == message)
    }

    @Test func refusesEveryTruncation() throws {
        let bytes = Array(TokenizerText.valid.utf8)
        for length in 0..<bytes.count {
            bytes[..<length].withUnsafeBytes { part in
                _ = #expect(throws: TokenizerError.self) { try Tokenizer(json: part, file: "t.json") }
            }
        }
    }

    @Test func survivesFlippedBytes() throws {
        var bytes = try Array(Data(contentsOf: URL(fileURLWithPath: Fixtures.path("tokenizer/dialects/bpe-clip.json"))))
        var state: UInt64 = 7
        for _ in 0..<300 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let place = Int(state >> 33) % bytes.count
            let old = bytes[place]
            bytes[place] = UInt8(truncatingIfNeeded: state >> 20)
            let tokenizer = bytes.withUnsafeBytes { try? Tokenizer(json: $0, file: "t.json") }
            if let tokenizer { #expect(tokenizer.encode("a dog", contextLength: 8).ids.count == 8) }
            bytes[place] = old
        }
    }
}
