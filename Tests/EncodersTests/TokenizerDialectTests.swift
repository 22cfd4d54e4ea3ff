// Checks every dialect of tokenizer.json against the `tokenizers` library; see Fixtures/tokenizer/README.md.
import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct TokenizerDialectTests {
    private struct Expected: Decodable {
        let text: String
        let ids: [Int32]
    }

    @Test func encodesEveryDialectLikeTheLibrary() throws {
        let goldens = try TokenizerGoldens.decode([String: [Expected]].self, "tokenizer/dialects/expected.json")
        #expect(goldens.count == 10)
        for (name, cases) in goldens {
            let tokenizer = try Tokenizer(path: Fixtures.path("tokenizer/dialects/\(name).json"))
            for golden in cases {
                let length = golden.ids.count + 2
                let ids = tokenizer.encode(golden.text, contextLength: length).ids
                // The closing special token also pads.
                #expect(ids == golden.ids + [golden.ids.last ?? -1, golden.ids.last ?? -1], "\(name): \(golden.text)")
            }
        }
    }

    @Test func cutsBetweenSpecialTokens() throws {
        let tokenizer = try Tokenizer(path: Fixtures.path("tokenizer/dialects/bpe-clip.json"))
        let whole = tokenizer.encode("a dog running in the snow", contextLength: 77)
        let cut = tokenizer.encode("a dog running in the snow", contextLength: 5)
        #expect(cut.isTruncated)
        #expect(cut.ids == whole.ids[..<4] + [1])
        #expect(tokenizer.encode("a dog", contextLength: 2).ids == [0, 1])
    }

    @Test(arguments: [
        ("unigram-always", "猫 a 犬猫", ["猫", "犬"]), ("unigram-bytes", "猫 a 犬猫", []), ("bpe-clip", "猫 a", []),
        ("bpe-plain", "猫 a 犬猫", ["猫", "犬"]),
    ])
    func reportsUnknownCharacters(name: String, text: String, expected: [String]) throws {
        let tokenizer = try Tokenizer(path: Fixtures.path("tokenizer/dialects/\(name).json"))
        #expect(tokenizer.encode(text, contextLength: 16).unknownCharacters == expected)
    }

    @Test func declaredPaddingWins() throws {
        let padding = """
            {"strategy":"BatchLongest","direction":"Right","pad_to_multiple_of":null,"pad_id":2,"pad_type_id":0,\
            "pad_token":"<unk>"}
            """
        let text = TokenizerText.valid.replacing("\"padding\":null", with: "\"padding\":\(padding)")
        let tokenizer = try Tokenizer(text: text)
        #expect(tokenizer.encode("a", contextLength: 4).ids == [3, 1, 2, 2])
    }
}
