// Remembered queries, precision and reduced decoding, as the program shows them.
import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct EncodingOptionTests {
    /// Loading towers and tokenizers takes longer than all else; a generous bound for a machine that does other things.
    @Test func aRepeatedQueryGivesTheSameBytesSooner() throws {
        let gallery = try Gallery.indexed(6)
        func search(_ environment: [String: String] = ["PENUMBRA_LOG": "debug"]) throws -> Output {
            try gallery.run("search", "a", "dog", "\u{1F98A}", "--format", "jsonl", environment: environment)
        }
        let first = try search()
        #expect(first.code == 0 && !first.stderr.contains("found the query in the cache"), "\(first.stderr)")
        let start = ContinuousClock.now
        let second = try search()
        let elapsed = ContinuousClock.now - start
        #expect(second.stderr.contains("found the query in the cache"))
        #expect(elapsed < .seconds(2))
        func answer(_ output: Output) -> [String] { output.lines.filter { $0.contains("\"match\"") } }
        #expect(answer(first) == answer(second) && !answer(first).isEmpty)
        #expect(second.stderr.contains("the model does not know"))
        let off = try search(["PENUMBRA_QUERY_CACHE": "off", "PENUMBRA_LOG": "debug"])
        #expect(!off.stderr.contains("cache") && answer(off) == answer(first))
    }

    @Test func rememberedQueriesCanBeSeenAndRemoved() throws {
        let gallery = try Gallery.indexed(2)
        _ = try gallery.run("search", "a", "dog")
        _ = try gallery.run("search", "a", "cat")
        let folder = ".cache/penumbra/queries"
        let doctor = try gallery.run("doctor")
        #expect(doctor.text.contains("2 queries remembered in \(gallery.folder.file(folder))"), "\(doctor.text)")
        #expect(try gallery.run("forget", "--queries").code == 64)
        #expect(try gallery.run("forget", "--queries", "--source", "x").code == 64)
        let forgotten = try gallery.run("forget", "--queries", "--yes")
        #expect(forgotten.code == 0 && forgotten.text == "removed 2 remembered queries\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: gallery.folder.file(folder)).isEmpty)
        #expect(try gallery.run("search", "a", "dog").code == 0)
        #expect(try gallery.run("forget", "--queries", "--yes").text == "removed 1 remembered query\n")
    }

    @Test func aFileOfQueriesIsNotRemembered() throws {
        let gallery = try Gallery.indexed(2)
        try gallery.folder.write("queries.txt", Array("a dog\na cat\n".utf8))
        #expect(try gallery.run("search", "--queries", "queries.txt", "--format", "jsonl").code == 0)
        #expect(!FileManager.default.fileExists(atPath: gallery.folder.file(".cache/penumbra/queries")))
    }

    /// A search reads: it must not write to the index, nor wait for a disk.
    @Test func aSearchWritesNothing() throws {
        let gallery = try Gallery.indexed(2)
        _ = try gallery.run("search", "a", "dog")
        func state() throws -> [String: [Int]] {
            var found: [String: [Int]] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: gallery.folder.file(".penumbra")) {
                var status = stat()
                _ = stat(gallery.folder.file(".penumbra/\(name)"), &status)
                guard status.st_mode & S_IFMT == S_IFREG else { continue }
                found[name] = [Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
            }
            return found
        }
        let before = try state()
        #expect(try gallery.run("search", "a", "cat").code == 0)
        #expect(try state() == before)
    }

    @Test func anIndexRemembersHowItDecodes() throws {
        let gallery = try Gallery(3)
        #expect(try gallery.run("index", "--fast-decode").code == 0)
        #expect(try gallery.run("search", "a", "dog").code == 0)
        try gallery.folder.write("new.jpg", Gallery.content(9))
        #expect(try gallery.run("index").text.hasPrefix("1 added"))
        let other = try Gallery.indexed(2)
        let refused = try other.run("index", "--fast-decode")
        #expect(
            refused.code == 2 && refused.stderr.contains("without --fast-decode, and stays so"), "\(refused.stderr)")
        let show = try gallery.run("encode", "p0.jpg", "--fast-decode", "--output", "v.safetensors")
        #expect(show.code == 0)
        let metadata = try RowsFile(path: gallery.folder.file("v.safetensors")).metadata
        #expect(metadata["encoding_id"]?.contains("decode=reduced2x") ?? false)
        // Vectors of another decoding are refused, of the same one taken.
        #expect(try other.run("import", gallery.folder.file("v.safetensors"), "--as", "images").code == 2)
        #expect(try gallery.run("import", "v.safetensors", "--as", "images").code == 0)
    }

    @Test func anIndexRemembersItsPrecision() throws {
        let gallery = try Gallery(3)
        let made = try gallery.run("index", "--precision", "bf16")
        if made.code != 0 {
            // A program without oneDNN, or a machine without AVX-512, says so and leaves nothing.
            #expect(made.code == 2 && made.stderr.contains("precision bf16: this pro"), "\(made.stderr)")
            #expect(!FileManager.default.fileExists(atPath: gallery.folder.file(".penumbra")))
            print("--precision bf16: skipped, \(made.stderr)")
            return
        }
        #expect(try gallery.run("search", "a", "dog").code == 0)
        #expect(try gallery.run("index", "--precision", "bf16").code == 0)
        let refused = try gallery.run("index", "--precision", "f32")
        #expect(refused.code == 2 && refused.stderr.contains("made with --precision bf16"), "\(refused.stderr)")
        #expect(try gallery.run("index", "--precision", "f64").code == 64)
    }
}
