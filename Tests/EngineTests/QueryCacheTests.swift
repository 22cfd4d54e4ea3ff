// Remembered queries: the same bytes, never those of another model, and no error whatever the file holds.
import Encoders
import Engine
import Foundation
import Gaussians
import Glibc
import TestSupport
import Testing

@Suite struct QueryCacheTests {
    /// An index opened as a new process would open it, with a cache.
    struct State {
        let pictures: Pictures
        let cache = try? TemporaryFolder()
        var folder: String { cache?.path ?? "" }

        init() async throws {
            pictures = try Pictures(["a.jpg": 0, "b.jpg": 1])
            try await pictures.update()
        }

        func open() throws -> Index {
            try Index(at: pictures.index.folder, queryCache: QueryCache(folder: folder))
        }

        /// The only file of the cache.
        func file() throws -> String {
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/queries")
            #expect(names.count == 1)
            return "\(folder)/queries/\(names.first ?? "")"
        }

        /// Asks as a new process would.
        /// - Returns: the query, and whether the text tower was needed.
        func ask(_ text: String) throws -> (Query, encoded: Bool) {
            let index = try open()
            let query = try index.query([QueryTerm(.text(text))])
            return (query, try index.model().hasLoadedTexts)
        }
    }

    @Test func aRepeatedQueryNeedsNoEncoderAndHasTheSameBytes() async throws {
        let state = try await State()
        let (first, encoded) = try state.ask("a red boat")
        #expect(encoded)
        let (second, encodedAgain) = try state.ask("a red boat")
        #expect(!encodedAgain)
        #expect(second.gaussian == first.gaussian)
        #expect(first.gaussian == (try Model.builtin().encode(texts: ["a red boat"])[0]))
        let (answer, known) = (try state.open().search(first).results, try state.open().search(second).results)
        #expect(answer == known && !answer.isEmpty)
        #expect(try state.ask("a red boats").encoded)
    }

    @Test func warningsAreRepeated() async throws {
        let state = try await State()
        let text = Array(repeating: "a dog and a cat", count: 20).joined(separator: " ") + " \u{1F98A}\u{4E00}"
        let (first, _) = try state.ask(text)
        let (second, encoded) = try state.ask(text)
        #expect(!encoded && first.warnings.count == 2)
        #expect(second.warnings == first.warnings)
    }

    @Test func anEmptyQueryIsRefusedEachTime() async throws {
        let state = try await State()
        for _ in 0..<2 { #expect(throws: QueryError.empty) { try state.ask("...") } }
    }

    @Test func anotherModelEncodingOrTokenizerIsAskedAnew() async throws {
        let folder = try TemporaryFolder()
        let cache = QueryCache(folder: folder.path)
        let tiny = Fixtures.repository("Sources/CBuiltinModel/penumbra-tiny")
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            try FileManager.default.copyItem(atPath: "\(tiny)/\(name)", toPath: folder.file(name))
        }
        func gaussian() throws -> (Gaussian, encoded: Bool) {
            let model = try Model(folder: folder.path)
            let gaussian = try cache.encode("a dog", model).gaussian
            return (gaussian, model.hasLoadedTexts)
        }
        let first = try gaussian()
        #expect(first.encoded)
        #expect(try !gaussian().encoded)
        // One number of the weights is another.
        let weights = try FileHandle(forUpdating: URL(fileURLWithPath: folder.file("model.safetensors")))
        let size = try weights.seekToEnd()
        try weights.seek(toOffset: size - 1_000)
        let byte = try #require(try weights.read(upToCount: 1)?.first)
        try weights.seek(toOffset: size - 1_000)
        try weights.write(contentsOf: Data([byte ^ 1]))
        try weights.close()
        #expect(try gaussian().encoded)
        #expect(try !gaussian().encoded)
        // A space at the end is another tokenizer.json, whatever it means.
        let tokenizer = try FileHandle(forUpdating: URL(fileURLWithPath: folder.file("tokenizer.json")))
        try tokenizer.seekToEnd()
        try tokenizer.write(contentsOf: Data([0x20]))
        try tokenizer.close()
        #expect(try gaussian().encoded)
        var options = EncodingOptions()
        options.appliesOrientation = false
        let other = try Model(folder: folder.path, options)
        _ = try cache.encode("a dog", other)
        #expect(other.hasLoadedTexts)
        #expect(cache.content().queries == 4)
    }

    @Test func damageIsAsIfNothingWereThere() async throws {
        let state = try await State()
        let (first, _) = try state.ask("a dog")
        let path = try state.file()
        let sound = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        let used = try #require(sound.firstIndex { $0 != 0 })
        for offset in [0, 33, 65, 72, 76, 256, 257, 1_500] {
            var damaged = sound
            damaged[used + offset] ^= 0x10
            try Data(damaged).write(to: URL(fileURLWithPath: path))
            let (query, _) = try state.ask("a dog")
            #expect(query.gaussian == first.gaussian, "byte \(offset)")
        }
        for bytes in [[], [1, 2, 3], Array(sound.dropLast()), sound + [0]] {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let (query, encoded) = try state.ask("a dog")
            #expect(query.gaussian == first.gaussian && encoded)
            #expect(try !state.ask("a dog").encoded, "\(bytes.count) bytes were not replaced")
        }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(try state.ask("a dog").0.gaussian == first.gaussian)
    }

    @Test func anUnusableFolderIsNoCache() async throws {
        let pictures = try Pictures(["a.jpg": 0])
        try await pictures.update()
        for folder in ["/proc/no/such/folder", pictures.folder.file("a.jpg")] {
            let index = try Index(at: pictures.index.folder, queryCache: QueryCache(folder: folder))
            for _ in 0..<2 { #expect(try !index.search(index.query([QueryTerm(.text("a dog"))])).results.isEmpty) }
        }
    }

    @Test func theSizeIsBoundedAndOnlyTheOwnerReadsIt() async throws {
        let state = try await State()
        let cache = QueryCache(folder: state.folder)
        let model = try Model.builtin()
        for number in 0..<40 { _ = try cache.encode("dog number \(number)", model) }
        #expect((35...40).contains(cache.content().queries))  // a row of slots may overflow
        var status = stat()
        #expect(stat(try state.file(), &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(Int(status.st_size) == 128 * 8 * (256 + 8 * 192))
        #expect(stat("\(state.folder)/queries", &status) == 0 && status.st_mode & 0o777 == 0o700)
        let content = Array(try Data(contentsOf: URL(fileURLWithPath: try state.file())))
        #expect(!String(decoding: content, as: UTF8.self).contains("dog number"))
        #expect(try cache.removeAll() > 0)
        #expect(cache.content().queries == 0)
    }

    @Test func oldFilesMakeRoom() async throws {
        let state = try await State()
        _ = try state.ask("a dog")
        let path = try state.file()
        for number in 0..<12 {
            let copy = "\(state.folder)/queries/\(number)-192.queries"
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1_000 + Double(number))], ofItemAtPath: copy)
        }
        try FileManager.default.removeItem(atPath: path)
        _ = try state.ask("a dog")
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(state.folder)/queries").sorted()
        #expect(names.count == 8 && names.contains("11-192.queries") && !names.contains("4-192.queries"))
    }

    @Test func processesThatWriteAtOnceLoseNothingButTime() async throws {
        let folder = try TemporaryFolder()
        let model = try Model.builtin()
        let expected = try model.encode(texts: (0..<8).map { "dog \($0)" })
        // A table is opened anew for each query, so threads stand for processes.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    let cache = QueryCache(folder: folder.path)
                    for round in 0..<20 {
                        let number = (round + worker) % 8
                        let got = try cache.encode("dog \(number)", model).gaussian
                        #expect(PrecisionOfQueries.isClose(got, expected[number]))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(QueryCache(folder: folder.path).content().queries >= 1)
    }
}

/// A text alone and one among others may differ in the last bits where OpenBLAS multiplies.
private enum PrecisionOfQueries {
    static func isClose(_ a: Gaussian, _ b: Gaussian) -> Bool {
        zip(a.mean + a.logVariance, b.mean + b.logVariance).allSatisfy { abs($0 - $1) < 1e-5 }
    }
}
