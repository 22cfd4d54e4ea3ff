// Formats, paths, pipes and names of `penumbra search`.
import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct FormatTests {
    @Test func jsonHoldsExactlyItsFields() throws {
        let gallery = try Gallery.indexed(4)
        try gallery.folder.write("sub/x.jpg", Gallery.content(9))
        #expect(try gallery.run("index").code == 0)
        // From a sub-folder: paths in JSON are relative to the root all the same.
        let output = try Program.run(
            ["search", "a", "black", "dog", "--format", "jsonl"], in: gallery.folder.file("sub"))
        #expect(output.code == 0 && output.stderr.isEmpty)
        #expect(output.lines.count == 7, "five matches between begin and end")
        var last = 0.0
        var paths: Set<String> = []
        for (index, line) in output.lines.dropFirst().dropLast().enumerated() {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(
                Set(object.keys) == [
                    "type", "rank", "path", "path_base64", "csd", "match_probability", "percentile", "total_variance",
                ])
            #expect(object["rank"] as? Int == index + 1)
            let csd = try #require(object["csd"] as? Double)
            #expect(csd >= last)
            last = csd
            #expect((0...1).contains(try #require(object["match_probability"] as? Double)))
            #expect(try #require(object["total_variance"] as? Double) > 0)
            paths.insert(try #require(object["path"] as? String))
        }
        #expect(paths == ["p0.jpg", "p1.jpg", "p2.jpg", "p3.jpg", "sub/x.jpg"])
    }

    @Test func pathsAreRelativeToTheCurrentFolder() throws {
        let gallery = try Gallery.indexed(3)
        try gallery.folder.write("sub/deep/notes.txt", [1])
        let name = URL(fileURLWithPath: gallery.path).lastPathComponent
        let parent = URL(fileURLWithPath: gallery.path).deletingLastPathComponent().path
        for (folder, prefix) in [
            (gallery.path, ""), (gallery.folder.file("sub/deep"), "../../"), (parent, "\(name)/"),
        ] {
            let index = ["--index", gallery.path]
            let expected = Set((0..<3).map { "\(prefix)p\($0).jpg" })
            func search(_ more: [String]) throws -> Output {
                try Program.run(["search", "x"] + more + index, in: folder)
            }
            #expect(Set(try search(["--format", "paths"]).lines) == expected)
            #expect(Set(try search(["-0"]).text.split(separator: "\0").map(String.init)) == expected)
            let tsv = try search(["--format", "tsv"]).lines.map { $0.split(separator: "\t").map(String.init) }
            #expect(tsv.first == ["rank", "path", "csd", "match_probability", "total_variance", "percentile"])
            #expect(Set(tsv.dropFirst().map { $0[1] }) == expected)
            let table = try search([]).lines
            #expect(table.first == "   #  match      csd  uncertainty  path")
            #expect(Set(table.dropFirst().compactMap { $0.split(separator: " ").last.map(String.init) }) == expected)
        }
    }

    @Test func theFirstFiveOfFifteenAreTheFive() throws {
        let gallery = try Gallery.indexed(20)
        func matches(_ arguments: [String]) throws -> [String] {
            try Program.run(["search"] + arguments + ["--format", "jsonl"], in: gallery.path).lines
                .filter { $0.hasPrefix("{\"type\":\"match\"") }
        }
        let few = try matches(["a red car", "-n", "5"])
        let many = try matches(["a red car", "-n", "15"])
        #expect(few.count == 5 && many.count == 15)
        #expect(few == Array(many.prefix(5)))
        #expect(try gallery.run("search", "a red car").lines.count == 11, "ten by default, and a heading")
        #expect(try gallery.run("search", "a red car", "-n", "1000", "--format", "paths").lines.count == 20)
        #expect(try matches(["a", "red", "car", "-n5"]) == few)
    }

    @Test(arguments: ["head -1", "true"]) func aReaderThatLeavesIsSuccess(_ reader: String) throws {
        let gallery = try Gallery.indexed(3)
        let script = "set -o pipefail; \"$PENUMBRA\" search x -n 240 --format paths | \(reader)"
        let output = try Program.shell(script, in: gallery.path)
        #expect(output.code == 0 && output.errors.allSatisfy { $0.hasPrefix("penumbra: no confident match") })
    }

    @Test func aFullDiskIsAFailure() throws {
        let gallery = try Gallery.indexed(1)
        let output = try Program.shell("\"$PENUMBRA\" search x > /dev/full", in: gallery.path)
        #expect(output.code == 2)
        #expect(output.stderr == "penumbra: cannot write the results: No space left on device\n")
    }

    @Test func warningsGoToStderr() throws {
        let gallery = try Gallery.indexed(1)
        let output = try gallery.run("search", String(repeating: "dog ", count: 200), "--format", "paths")
        #expect(output.code == 0 && output.lines == ["p0.jpg"])
        #expect(output.stderr.hasPrefix("penumbra: the query is longer than the model's context"))
    }

    @Test func strangeNamesAreEscapedForPeopleAndExactForPrograms() throws {
        let gallery = try Gallery(0)
        let names: [[UInt8]] = [
            Array("new\nline.jpg".utf8), Array("e\u{1B}[31mc.jpg".utf8), [0x66, 0xFF] + Array(".jpg".utf8),
            Array("-n.jpg".utf8), Array(" tab\t\"q\".jpg".utf8),
        ]
        for (number, name) in names.enumerated() { try gallery.write(Gallery.content(number), bytes: name) }
        #expect(try gallery.run("index").lines.first == "5 added")
        let shown: Set = ["new\\nline.jpg", "e\\u{1b}[31mc.jpg", "f\\xff.jpg", "./-n.jpg", " tab\\t\"q\".jpg"]
        #expect(Set(try gallery.run("search", "x", "--format", "paths").lines) == shown)
        for format in ["table", "tsv"] {
            let output = try gallery.run("search", "x", "--format", format)
            #expect(output.lines.count == 6 && !output.stdout.contains(0x1B))
            #expect(shown.allSatisfy { output.text.contains($0) })
        }
        let exact = try gallery.run("search", "x", "-0").stdout.split(separator: 0).map { Array($0) }
        #expect(Set(exact) == Set(names.map { $0.first == 0x2D ? Array("./".utf8) + $0 : $0 }))
        var paths: Set<[UInt8]> = []
        for line in try gallery.run("search", "x", "--format", "jsonl").lines.dropFirst().dropLast() {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let base64 = (object["path_base64"] as? String).flatMap { Data(base64Encoded: $0) }
            paths.insert(try base64.map { Array($0) } ?? Array(try #require(object["path"] as? String).utf8))
        }
        #expect(paths == Set(names))
        let listed = try Program.shell("\"$PENUMBRA\" search x -0 | xargs -0 ls -d | wc -c", in: gallery.path)
        #expect(listed.code == 0 && listed.errors.allSatisfy { $0.hasPrefix("penumbra: no confident match") })
    }

    @Test func aFolderWhoseNameIsNoUTF8() throws {
        let gallery = try Gallery.indexed(1)
        try gallery.folder.write("sub/x.jpg", Gallery.content(4))
        let inside = try Program.shell(
            "mv sub $'s\\xff' && cd $'s\\xff' && \"$PENUMBRA\" index . && \"$PENUMBRA\" search x", in: gallery.path)
        #expect(inside.code == 0, "\(inside.stderr)")
    }
}
