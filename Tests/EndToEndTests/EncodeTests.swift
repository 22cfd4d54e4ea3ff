// `penumbra encode` on the built program: files and lines to safetensors and JSON lines.
import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct EncodeTests {
    /// One line of the output.
    struct Line: Decodable {
        let name: String
        let kind: String
        let mean: [Double]
        let log_variance: [Double]?
    }

    /// A folder with two pictures, one file that is none, and a list of texts.
    static func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (source, name) in [
            ("scene-001.jpg", "one.jpg"), ("scene-003.jpg", "two é.jpg"),
        ] {
            try FileManager.default.copyItem(
                atPath: Fixtures.repository("Examples/Gallery/\(source)"), toPath: folder.file(name))
        }
        try folder.write("bad.jpg", Array("<html>".utf8))
        try folder.write("texts.txt", Array("a dog\r\n\n  \na \"cat\"\n".utf8))
        return folder
    }

    static func lines(_ output: Output) throws -> [Line] {
        try output.lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    /// The fixtures' pictures, lying on their side.
    static let sideways = Fixtures.path("images/src/jpg_exif6_96x64.jpg")

    @Test func rowsInTheOrderOfTheArguments() throws {
        let folder = try Self.folder()
        let run = try Program.run(["encode", "two é.jpg", "one.jpg", "--texts", "texts.txt"], in: folder.path)
        #expect(run.code == 0)
        #expect(run.stderr == "")
        let lines = try Self.lines(run)
        #expect(lines.map(\.name) == ["two é.jpg", "one.jpg", "a dog", "", "  ", "a \"cat\""])
        #expect(lines.map(\.kind) == ["image", "image", "text", "text", "text", "text"])
        for line in lines {
            #expect(line.mean.count == line.log_variance?.count)
            #expect(abs(line.mean.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        }
        #expect(lines[3].mean == lines[4].mean)  // spaces are no text
        #expect(lines[0].mean != lines[1].mean)
    }

    @Test func theFileHoldsWhatTheLinesSay() throws {
        let folder = try Self.folder()
        let arguments = ["encode", "one.jpg", "bad.jpg", "two é.jpg", "nowhere.jpg", "--texts", "texts.txt"]
        let printed = try Program.run(arguments, in: folder.path)
        let written = try Program.run(arguments + ["-o", "rows.safetensors"], in: folder.path)
        for run in [printed, written] {
            #expect(run.code == 2)
            let complaints = run.stderr.split(separator: "\n")
            #expect(complaints.count == 2)
            #expect(complaints.first?.hasPrefix("penumbra: bad.jpg: not a picture: ") == true)
            #expect(complaints.last == "penumbra: nowhere.jpg: No such file or directory")
        }
        #expect(written.stdout.isEmpty)
        let lines = try Self.lines(printed)
        let file = try RowsFile(path: folder.file("rows.safetensors"))
        #expect(try file.list("names") == ["one.jpg", "two é.jpg", "a dog", "", "  ", "a \"cat\""])
        #expect(try file.list("names") == lines.map(\.name))
        #expect(try file.list("kinds") == lines.map(\.kind))
        #expect(file.means == lines.map { $0.mean.map(Float.init) })
        #expect(file.logVariances == lines.map { ($0.log_variance ?? []).map(Float.init) })
        #expect(
            file.metadata.keys.sorted() == [
                "encoding_id", "kinds", "logit_bias", "logit_scale", "model_fingerprint", "names",
            ])
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(!left.contains { $0.hasPrefix(".penumbra-") }, "nothing is left behind")
    }

    @Test func textsFromStdin() throws {
        let folder = try TemporaryFolder()
        let run = try Program.run(["encode", "--texts", "-"], in: folder.path, input: "a dog\n\na cat")
        #expect(run.code == 0)
        #expect(try Self.lines(run).map(\.name) == ["a dog", "", "a cat"])
        let nothing = try Program.run(["encode", "--texts", "-"], in: folder.path, input: "")
        #expect(nothing.code == 0)
        #expect(nothing.stdout.isEmpty)
    }

    @Test func textsThatCannotBeRead() throws {
        let folder = try TemporaryFolder()
        try folder.write("latin.txt", [0x61, 0x0A, 0xE9, 0x0A])
        let latin = try Program.run(["encode", "--texts", "latin.txt"], in: folder.path)
        #expect(latin.code == 2)
        #expect(latin.stderr == "penumbra: latin.txt: line 2 is not UTF-8\n" && latin.lines.count == 1)
        let missing = try Program.run(["encode", "--texts", "none.txt"], in: folder.path)
        #expect(missing.code == 2)
        #expect(missing.stderr == "penumbra: none.txt: No such file or directory\n")
        #expect(try Program.run(["encode"], in: folder.path).code == 64)
        let piped = try Program.shell("\"$PENUMBRA\" encode --texts <(printf 'a\\nb\\n')", in: folder.path)
        #expect(piped.code == 0 && piped.lines.count == 2, "\(piped.stderr)")
    }

    /// Only a regular file is ever replaced, through a link too; nothing beside it is touched.
    @Test func whatTheOutputReplaces() throws {
        let folder = try Self.folder()
        mkfifo(folder.file("fifo"), 0o600)
        let fifo = try Program.run(["encode", "one.jpg", "-o", "fifo"], in: folder.path)
        #expect(fifo.code == 2 && fifo.stderr == "penumbra: fifo: not a regular file, it would be replaced by one\n")
        let missing = try Program.run(["encode", "one.jpg", "-o", "none/x.safetensors"], in: folder.path)
        #expect(missing.code == 2 && missing.stderr == "penumbra: none/x.safetensors: No such file or directory\n")
        #expect(try Program.run(["encode", "one.jpg", "-o", "-"], in: folder.path).code == 64)
        try folder.write("real", [1])
        try folder.write("real.partial", [2])
        symlink("real", folder.file("link"))
        #expect(try Program.run(["encode", "one.jpg", "-o", "link"], in: folder.path).code == 0)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("link")) == "real")
        #expect(try RowsFile(path: folder.file("real")).means.count == 1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("real.partial"))) == Data([2]))
    }

    @Test func pointModelsHaveNoVariance() throws {
        let folder = try Self.folder()
        let arguments = ["encode", "one.jpg", "--model", Fixtures.path("models/options-points")]
        let printed = try Program.run(arguments, in: folder.path)
        #expect(printed.code == 0)
        #expect(printed.text.hasSuffix(",\"log_variance\":null}\n"))
        #expect(try Self.lines(printed).first?.mean.count == 20)
        #expect(try Program.run(arguments + ["-o", "rows.safetensors"], in: folder.path).code == 0)
        let file = try RowsFile(path: folder.file("rows.safetensors"))
        #expect(file.logVariances == [[Float](repeating: -.infinity, count: 20)])
        let texts = try Program.run(arguments + ["--texts", "texts.txt"], in: folder.path)
        #expect(texts.code == 2)
        #expect(texts.stderr.contains("the model has no tokenizer.json: it encodes pictures only, not texts"))
    }

    @Test func orientationIsAppliedUnlessIgnored() throws {
        let folder = try TemporaryFolder()
        for (name, options) in [("turned", []), ("ignored", ["--ignore-orientation"])] {
            let upright = Fixtures.path("images/src/jpg_exif1_96x64.jpg")
            let run = try Program.run(["encode", Self.sideways, upright, "-o", name] + options, in: folder.path)
            #expect(run.code == 0)
        }
        let turned = try RowsFile(path: folder.file("turned"))
        let ignored = try RowsFile(path: folder.file("ignored"))
        #expect(turned.means[0] != ignored.means[0])
        #expect(turned.means[1] == ignored.means[1])
        let id = try #require(turned.metadata["encoding_id"])
        #expect(id.contains(";orientation=exif;"))
        #expect(
            ignored.metadata["encoding_id"]
                == id.replacingOccurrences(of: "orientation=exif", with: "orientation=ignored"))
    }

    @Test func anOutputThatCannotBeWritten() throws {
        let folder = try Self.folder()
        let run = try Program.run(["encode", "one.jpg", "-o", "none/rows.safetensors"], in: folder.path)
        #expect(run.code == 2)
        #expect(run.stderr.hasPrefix("penumbra: none/rows.safetensors"))
        #expect(run.stderr.hasSuffix(": No such file or directory\n"))
    }
}
