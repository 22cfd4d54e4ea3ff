// `penumbra import` and `penumbra export` on the built program.
import Encoders
import Foundation
import Gaussians
import Glibc
import TestSupport
import Testing

@Suite struct ImportCommandTests {
    /// A folder with `in.safetensors`: some rows of the built-in model's encoding, named `far/n.jpg`.
    static func folder(_ count: Int, kind: String = "image") throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(seed: 3)
        let model = try Model.builtin()
        let rows = (0..<min(count, 64)).map { _ in generator.gaussian(dimension: model.dimension) }
        let fixture = try VectorFixture(
            (0..<count).map { rows[$0 % 64] }, names: (0..<count).map { "far/\($0).jpg" }, kind: kind,
            encodingID: model.encodingID)
        try fixture.write(to: folder.file("in.safetensors"))
        return folder
    }

    /// The number before a word.
    static func counted(_ text: String, _ what: String) -> Int {
        let words = text.split(whereSeparator: { " \n,".contains($0) })
        return words.firstIndex { $0 == what }.flatMap { $0 > 0 ? Int(words[$0 - 1]) : nil } ?? 0
    }

    @Test func aNewIndexIsMadeWhereItIsWanted() throws {
        let folder = try Self.folder(3)
        let run = try Program.run(["import", "in.safetensors", "--as", "images"], in: folder.path)
        #expect(run.code == 0 && run.stderr.isEmpty, "\(run.stderr)")
        #expect(run.lines.count == 2 && run.lines[0] == "3 added")
        #expect(run.lines[1].hasPrefix("3 pictures in \(folder.path)/.penumbra, "))
        let again = try Program.run(["import", "in.safetensors", "--as", "images"], in: folder.path)
        #expect(again.code == 0 && again.lines[0] == "3 unchanged")
        let elsewhere = try Program.run(
            ["import", "in.safetensors", "--as", "images", "--index", "other.index"], in: folder.path)
        #expect(elsewhere.code == 0 && elsewhere.lines[1].hasPrefix("3 pictures in \(folder.path)/other.index, "))
        let found = try Program.run(["search", "a dog", "--format", "paths"], in: folder.path)
        #expect(found.lines.sorted() == ["far/0.jpg", "far/1.jpg", "far/2.jpg"])
        // A scan of the same folder leaves them alone, and verify finds nothing wrong.
        #expect(try Program.run(["index"], in: folder.path).code == 0)
        #expect(try Program.run(["search", "a dog", "--format", "paths"], in: folder.path).lines.count == 3)
        #expect(try Program.run(["verify"], in: folder.path).code == 0)
    }

    @Test func exportsComeBack() throws {
        let folder = try Self.folder(5)
        #expect(try Program.run(["import", "in.safetensors", "--as", "images"], in: folder.path).code == 0)
        let texts = try Program.run(
            ["encode", "--texts", "/dev/stdin", "-o", "texts.safetensors"], in: folder.path, input: "a dog\na cat\n")
        #expect(texts.code == 0, "\(texts.stderr)")
        let arguments = ["import", "texts.safetensors", "--as", "texts", "--source", "captions"]
        let imported = try Program.run(arguments, in: folder.path)
        #expect(imported.lines.first == "2 added" && imported.lines.last?.hasPrefix("2 texts in ") == true)
        for (options, said, rows) in [
            ([], "5 pictures, 2 texts", 7), (["--in", "images"], "5 pictures", 5),
            (["--source", "captions"], "2 texts", 2),
            (["--source", "import", "--in", "texts"], "nothing to export: the file has no rows", 0),
        ] as [([String], String, Int)] {
            let run = try Program.run(["export", "--yes", "out.safetensors"] + options, in: folder.path)
            #expect(run.code == 0 && run.text == said + "\n", "\(run.stderr)")
            #expect(try RowsFile(path: folder.file("out.safetensors")).means.count == rows)
        }
        let before = try RowsFile(path: folder.file("in.safetensors"))
        #expect(
            try Program.run(["export", "--yes", "out.safetensors", "--source", "import"], in: folder.path).code == 0)
        let after = try RowsFile(path: folder.file("out.safetensors"))
        #expect(after.means == before.means && after.logVariances == before.logVariances)
        #expect(try after.list("names") == before.list("names"))
        let unknown = try Program.run(["export", "--yes", "out.safetensors", "--source", "gone"], in: folder.path)
        #expect(unknown.code == 2)
        #expect(unknown.stderr == "penumbra: no source of the name gone here: there are import, captions\n")
    }

    @Test func refusalsNameTheRow() throws {
        let folder = try TemporaryFolder()
        let model = try Model.builtin()
        var generator = SeededGenerator(seed: 3)
        var rows = (0..<3).map { _ in generator.gaussian(dimension: model.dimension) }
        rows[1].mean[0] = .nan
        var fixture = try VectorFixture(rows, names: ["a", "b\u{1B}[2J", "c"], encodingID: model.encodingID)
        try fixture.write(to: folder.file("bad.safetensors"))
        let arguments = ["import", "bad.safetensors", "--as", "images"]
        let run = try Program.run(arguments, in: folder.path)
        #expect(run.code == 2 && run.stdout.isEmpty)
        #expect(
            run.stderr == "penumbra: bad.safetensors: row 2 (b\\u{1b}[2J): mean, column 1, is not a number\n")
        #expect(!FileManager.default.fileExists(atPath: folder.file(".penumbra")), "no index is made for it")
        fixture.gaussians[1] = rows[0]
        fixture.metadata["encoding_id"] = nil
        try fixture.write(to: folder.file("bad.safetensors"))
        let unknown = try Program.run(arguments, in: folder.path)
        #expect(unknown.code == 2)
        #expect(
            unknown.stderr == "penumbra: no index here or above: --model names the model of a new one, which encoded "
                + "these vectors\n")
        #expect(try Program.run(arguments + ["--model", "penumbra-tiny"], in: folder.path).lines.first == "3 added")
        for usage in [["import", "x"], ["import", "x", "--as", "smells"], ["import", "--as", "texts"], ["export"]] {
            #expect(try Program.run(usage, in: folder.path).code == 64)
        }
        let gone = try Program.run(["import", "gone.safetensors", "--as", "images"], in: folder.path)
        #expect(gone.code == 2 && gone.stderr == "penumbra: gone.safetensors: No such file or directory\n")
    }

    /// Bytes of the vectors' file.
    static func written(_ folder: TemporaryFolder) -> Int {
        var status = stat()
        return stat(folder.file(".penumbra/vectors-1/data.mdb"), &status) == 0 ? Int(status.st_size) : 0
    }

    /// Starts an import and waits until so many bytes of vectors are written.
    static func start(_ folder: TemporaryFolder, until bytes: Int) throws -> (Process, Pipe) {
        let process = Program.process(["import", "in.safetensors", "--as", "images"], in: folder.path)
        let out = Pipe()
        process.standardOutput = out
        process.standardError = FileHandle.nullDevice
        try process.run()
        while process.isRunning, written(folder) < bytes { usleep(500) }
        return (process, out)
    }

    @Test func aKilledImportGoesOn() throws {
        let count = 40_000
        let folder = try Self.folder(count)
        var committed = 0
        for bytes in [1_000_000, 20_000_000, 40_000_000, 50_000_000] {
            let (process, _) = try Self.start(folder, until: bytes)
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            guard FileManager.default.fileExists(atPath: folder.file(".penumbra")) else { continue }
            let verified = try Program.run(["verify"], in: folder.path)
            #expect(verified.code == 0, "\(verified.text)")
            let now = Self.counted(verified.text, "items")
            #expect(now >= committed && now <= count)
            committed = now
        }
        let run = try Program.run(["import", "in.safetensors", "--as", "images"], in: folder.path)
        #expect(run.code == 0)
        #expect(Self.counted(run.text, "unchanged") == committed)
        #expect(Self.counted(run.text, "added") == count - committed)
        #expect(try Program.run(["verify"], in: folder.path).code == 0)
        #expect(try Program.run(["export", "--yes", "out.safetensors"], in: folder.path).code == 0)
        let before = try RowsFile(path: folder.file("in.safetensors"))
        let after = try RowsFile(path: folder.file("out.safetensors"))
        #expect(after.means == before.means && after.logVariances == before.logVariances)
        #expect(try after.list("names") == before.list("names"))
    }

    @Test(arguments: [SIGINT, SIGTERM]) func aSignalFinishesTheBatch(_ signal: Int32) throws {
        let count = 60_000
        let folder = try Self.folder(count)
        let (process, out) = try Self.start(folder, until: 2_000_000)
        kill(process.processIdentifier, signal)
        let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 128 + signal)
        #expect(text.hasPrefix("interrupted: what was done is kept, the same command goes on\n"), "\(text)")
        let added = Self.counted(text, "added")
        #expect(added > 0 && added < count, "\(text)")
        let run = try Program.run(["import", "in.safetensors", "--as", "images"], in: folder.path)
        #expect(Self.counted(run.text, "unchanged") == added && Self.counted(run.text, "added") == count - added)
    }
}
