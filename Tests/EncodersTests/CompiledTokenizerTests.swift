// A tokenizer loaded from its compiled form against the one read from JSON.
import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct CompiledTokenizerTests {
    static let texts = ["a photo of a cat", "Two green pears, in the rain!", "", "naïve ½ ✓ 猫 zzz", "<pad> </s>"]

    static func ids(_ tokenizer: Tokenizer) -> [TokenizedText] {
        texts.map { tokenizer.encode($0, contextLength: 24) }
    }

    @Test(arguments: ["tokenizer/tokenizer.json", "../../Sources/CBuiltinModel/penumbra-tiny/tokenizer.json"])
    func theCompiledFormGivesTheSameIDs(name: String) throws {
        let folder = try TemporaryFolder()
        let cache = FileCache(folder: folder.path)
        let file = try MappedFile(path: Fixtures.path(name))
        let plain = try file.withBytes { try Tokenizer(json: $0, file: file.path) }
        #expect(cache.entry("tokenizers", of: file) == nil)
        let first = try Tokenizer(file, cache: cache)
        let entry = try #require(cache.entry("tokenizers", of: file))
        let second = try Tokenizer(file, cache: cache)
        #expect(Self.ids(first) == Self.ids(plain) && Self.ids(second) == Self.ids(plain))
        #expect(second.vocabularySize == plain.vocabularySize)
        // The entry is really used: without its own file's vocabulary there would be no ids but unknown ones.
        #expect(entry.withBytes(\.count) > 1_000)
    }

    @Test func aDamagedEntryIsMadeAnew() throws {
        let folder = try TemporaryFolder()
        let cache = FileCache(folder: folder.path)
        let file = try MappedFile(path: Fixtures.path("tokenizer/tokenizer.json"))
        let plain = Self.ids(try file.withBytes { try Tokenizer(json: $0, file: file.path) })
        _ = try Tokenizer(file, cache: cache)
        let sound = try #require(cache.entry("tokenizers", of: file)).withBytes { Array($0) }
        var generator = SeededGenerator(seed: 5)
        for round in 0..<40 {
            var damaged = sound
            if round % 2 == 0 {
                damaged[Int.random(in: 0..<sound.count, using: &generator)] ^= 0x40
            } else {
                damaged = Array(sound.prefix(Int.random(in: 0..<sound.count, using: &generator)))
            }
            cache.store("tokenizers", of: file, damaged)
            #expect(Self.ids(try Tokenizer(file, cache: cache)) == plain)
            #expect(cache.entry("tokenizers", of: file).map { $0.withBytes { Array($0) } } == sound, "round \(round)")
        }
    }

    @Test func fingerprintsAreThoseOfSHA256AndAreRemembered() throws {
        let folder = try TemporaryFolder()
        try folder.write("file", Array("abc".utf8))
        let cache = FileCache(folder: folder.file("cache"))
        let file = try MappedFile(path: folder.file("file"))
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(cache.fingerprint(of: file) == expected)
        #expect(
            cache.entry("fingerprints", of: file).map {
                $0.withBytes { String(decoding: $0, as: UTF8.self) }
            } == expected)
        cache.store("fingerprints", of: file, Array("no fingerprint".utf8))
        #expect(cache.fingerprint(of: file) == expected)
        #expect(FileCache.none.fingerprint(of: file) == expected)
    }
}
