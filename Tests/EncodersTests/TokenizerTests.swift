// Checks token ids against the official tokenizer's.
import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct TokenizerTests {
    @Test func encodesLikeTheReference() throws {
        let tokenizer = try Tokenizer(path: Fixtures.path("tokenizer/tokenizer.json"))
        #expect(tokenizer.vocabularySize == 612)
        for golden in try TokenizerGoldens.load().cases {
            #expect(tokenizer.encode(golden.text, contextLength: 16).ids == golden.ids16, "\(golden.name)")
            #expect(tokenizer.encode(golden.text, contextLength: 64).ids == golden.ids64, "\(golden.name)")
        }
    }

    @Test func encodesLikeTheReferenceForTheBuiltInModel() throws {
        let path = Fixtures.repository("Sources/CBuiltinModel/penumbra-tiny/tokenizer.json")
        let tokenizer = try Tokenizer(path: path)
        let goldens = try Goldens("expected/penumbra-tiny.safetensors")
        let texts = try JSONDecoder().decode([String].self, from: Data((goldens.file.metadata["texts"] ?? "").utf8))
        let length = try goldens.shape("text.ids")[1]
        let ids = texts.flatMap { tokenizer.encode($0, contextLength: length).ids }
        #expect(texts.count == 20)
        #expect(ids == (try goldens.integers("text.ids")))
    }

    @Test func saysWhatItCutOffAndDoesNotKnow() throws {
        let tokenizer = try Tokenizer(path: Fixtures.path("tokenizer/tokenizer.json"))
        let short = tokenizer.encode("a a a a a", contextLength: 6)
        #expect(!short.isTruncated)
        #expect(tokenizer.encode("a a a a a a", contextLength: 6).isTruncated)
        #expect(tokenizer.encode("a a a a a a", contextLength: 6).ids == short.ids)
        #expect(tokenizer.encode("猫 a 犬猫", contextLength: 16).unknownCharacters == ["猫", "犬"])
        #expect(short.unknownCharacters.isEmpty)
    }

    @Test func emptyTextIsAllPadding() throws {
        let tokenizer = try Tokenizer(path: Fixtures.path("tokenizer/tokenizer.json"))
        for text in ["", "  \n", "?!", "&nbsp;"] {
            #expect(tokenizer.encode(text, contextLength: 4).ids == [1, 1, 1, 1])
        }
    }
}
