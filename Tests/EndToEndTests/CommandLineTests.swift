// Arguments to exit codes and messages, before any picture is read.
import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct CommandLineTests {
    @Test(arguments: [
        [], ["index"], ["search"], ["similar"], ["describe"], ["ls"], ["status"], ["verify"], ["encode"], ["model"],
        ["model", "list"], ["model", "add"], ["model", "show"], ["model", "remove"], ["import"], ["export"],
    ])
    func everyCommandExplainsItselfWithExamples(_ command: [String]) throws {
        let folder = try TemporaryFolder()
        let output = try Program.run(command + ["--help"], in: folder.path)
        #expect(output.code == 0)
        #expect(output.text.contains("EXAMPLES\n"), "\(output.text)")
        #expect(output.text.contains("penumbra \(command.first ?? "index")"))
        #expect(output.stderr.isEmpty)
    }

    @Test func theInstructionSetIsChosenByTheEnvironment() throws {
        let gallery = try Gallery(0)
        #expect(try gallery.run("index").code == 0)
        for level in ["portable", "avx2", "avx512", "avx512vnni"] {
            let output = try Program.run(["doctor"], in: gallery.folder.path, environment: ["PENUMBRA_SIMD": level])
            if output.code == 64 {
                #expect(output.stderr.contains("this machine lacks \(level); it has portable"))
                print("PENUMBRA_SIMD=\(level) skipped: \(output.stderr)")
            } else {
                #expect(output.text.contains("\(level) kernels"), "\(output.text)")
            }
        }
        let unknown = try Program.run(["status"], in: gallery.folder.path, environment: ["PENUMBRA_SIMD": "sse9"])
        #expect(unknown.code == 64 && unknown.text.isEmpty)
        #expect(unknown.stderr.contains("PENUMBRA_SIMD: no instruction set is called \"sse9\""))
        #expect(try Program.run(["status"], in: gallery.folder.path, environment: ["PENUMBRA_SIMD": ""]).code == 0)
    }

    @Test func version() throws {
        let output = try Program.run(["--version"], in: "/")
        #expect(output.code == 0 && output.stderr.isEmpty)
        #expect(output.text.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    }

    @Test(arguments: [
        ["frobnicate"], ["--nonsense"], ["index", "--nonsense"], ["index", "--exclude", "/"],
        ["index", "--dry-run", "--root", "."], ["index", "--jobs", "0"],
        ["index", "--jobs", "many"], ["search"], ["search", ""], ["search", " "], ["search", "", "\t"],
        ["search", "x", "-n", "0"], ["search", "x", "-n", "-3"], ["search", "x", "-n", "ten"],
        ["search", "x", "--format", "xml"], ["search", "x", "--index"], ["status", "extra"],
    ])
    func usageErrors(_ arguments: [String]) throws {
        let gallery = try Gallery(0)
        #expect(try gallery.run("index").code == 0)
        let output = try Program.run(arguments, in: gallery.path)
        #expect(output.code == 64, "\(output.text)\(output.stderr)")
        #expect(output.stdout.isEmpty && output.stderr.contains("Error: "))
    }

    @Test(arguments: [["search", "x"], ["status"]]) func outsideAnyIndex(_ arguments: [String]) throws {
        let folder = try TemporaryFolder()
        let output = try Program.run(arguments, in: folder.path)
        #expect(output.code == 2 && output.stdout.isEmpty)
        #expect(output.stderr == "penumbra: no index here or above; make one with: penumbra index FOLDER\n")
    }

    @Test func aNamedIndexThatIsNone() throws {
        let folder = try TemporaryFolder()
        for arguments in [["search", "x", "--index", "gone"], ["status", "--index", folder.path]] {
            let output = try Program.run(arguments, in: folder.path)
            #expect(output.code == 2 && output.stdout.isEmpty)
            #expect(output.errors.count == 1 && output.stderr.hasSuffix(": no index here\n"))
        }
    }

    @Test func aFolderWithoutPicturesMakesAnEmptyIndex() throws {
        let gallery = try Gallery(0)
        try gallery.folder.write("notes.txt", [1])
        let output = try gallery.run("index")
        #expect(output.code == 0 && output.stderr.isEmpty)
        #expect(output.lines.first == "no pictures here: made an empty index")
        #expect(output.lines.last?.hasPrefix("0 pictures in \(gallery.path)/.penumbra") == true)
        #expect(try gallery.run("index").lines.first == "no pictures here: the index is empty")
        let search = try gallery.run("search", "dog")
        #expect(search.code == 1 && search.stdout.isEmpty)
        #expect(search.stderr == "penumbra: nothing found: the index holds no pictures\n")
        #expect(try gallery.run("status").code == 0)
    }

    @Test func missingFolders() throws {
        let folder = try TemporaryFolder()
        let output = try Program.run(["index", "gone"], in: folder.path)
        #expect(output.code == 2 && output.stdout.isEmpty)
        #expect(output.stderr == "penumbra: gone: No such file or directory\n")
        try folder.write("file.txt", [1])
        let file = try Program.run(["index", "file.txt"], in: folder.path)
        #expect(file.code == 2 && file.errors.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file.txt"], "nothing is left")
    }

    @Test func models() throws {
        let gallery = try Gallery(1)
        try gallery.folder.write("empty/x.txt", [1])
        let none = try gallery.run("index", "--model", "empty")
        #expect(none.code == 2 && none.stdout.isEmpty)
        #expect(none.stderr == "penumbra: \(gallery.path)/empty: no model here, config.json is missing\n")
        let gone = try gallery.run("index", "--model", "gone")
        #expect(
            gone.code == 2
                && gone.stderr == "penumbra: gone: no model of this name is registered, and no folder is there\n")
        #expect(!FileManager.default.fileExists(atPath: gallery.folder.file(".penumbra")))
        #expect(try gallery.run("index", "--model", "penumbra-tiny").lines.first == "1 added")
        #expect(try gallery.run("index", "--model", "penumbra-tiny").lines.first == "1 unchanged")
        let other = try gallery.run("index", "--model", Fixtures.path("models/nano"))
        #expect(other.code == 2 && other.errors.count == 1)
        #expect(other.stderr.hasPrefix("penumbra: this index was made with encoding model="))
    }

    @Test func anIndexElsewhere() throws {
        let gallery = try Gallery(2)
        let other = try TemporaryFolder()
        let index = other.file("photos.index")
        #expect(try Program.run(["index", gallery.path, "--index", index], in: other.path).lines.first == "2 added")
        #expect(!FileManager.default.fileExists(atPath: gallery.folder.file(".penumbra")))
        let search = try Program.run(
            ["search", "x", "--index", "photos.index", "--format", "paths"], in: other.path)
        let name = URL(fileURLWithPath: gallery.path).lastPathComponent
        #expect(Set(search.lines) == ["../\(name)/p0.jpg", "../\(name)/p1.jpg"])
        try FileManager.default.moveItem(atPath: gallery.path, toPath: other.file("moved"))
        let moved = try Program.run(["index", "moved", "--index", index, "--root", "moved"], in: other.path)
        #expect(moved.code == 0 && moved.lines.first == "2 unchanged", "\(moved.stderr)")
    }

    /// A shell's completion ends folders in a slash.
    @Test func anIndexNamedWithASlashAtTheEnd() throws {
        let gallery = try Gallery(1)
        let output = try gallery.run("index", ".", "--index", "photos.index/")
        #expect(output.code == 0)
    }

    @Test func aFileWhereAFolderIsMeant() throws {
        let gallery = try Gallery.indexed(2)
        let output = try gallery.run("index", "p0.jpg")
        #expect(output.code == 2)
        #expect(try gallery.run("index").lines.first == "2 unchanged", "nothing was deleted")
    }

    /// Without a folder, a named index means all of it.
    @Test func aNamedIndexIsUpdatedFromAnywhere() throws {
        let gallery = try Gallery.indexed(1)
        let other = try TemporaryFolder()
        let output = try Program.run(["index", "--index", gallery.path], in: other.path)
        #expect(output.code == 0 && output.lines.first == "1 unchanged", "\(output.stderr)")
    }

    @Test func statusComparesTheFolderOnRequest() throws {
        let gallery = try Gallery.indexed(3)
        #expect(try gallery.run("status", "--check").lines.last == "folder        up to date: 3 unchanged")
        try gallery.folder.write("new.jpg", Gallery.content(5))
        #expect(unlink(gallery.folder.file("p0.jpg")) == 0)
        let output = try gallery.run("status", "--check")
        #expect(output.code == 0 && output.stderr.isEmpty)
        #expect(output.lines.last == "folder        out of date, penumbra index mends that: 1 new, 1 gone, 2 unchanged")
        let json = try gallery.run("status", "--check", "--format", "json").text
        #expect(
            json.contains(
                #""folder":{"is_current":false,"new":1,"changed":0,"gone":1,"kept":0,"unreadable_folders":0,"unchanged":2,"failed_before":0,"notices":[]}"#
            ))
    }

    @Test func status() throws {
        let gallery = try Gallery.indexed(2)
        let output = try gallery.run("status")
        #expect(output.code == 0 && output.stderr.isEmpty)
        for line in ["root          \(gallery.path)", "pictures      2", "failed files  0", "dead slots    0"] {
            #expect(output.lines.contains(line), "\(output.text)")
        }
        #expect(try gallery.run("status", "--failed").stdout.isEmpty)
    }
}
