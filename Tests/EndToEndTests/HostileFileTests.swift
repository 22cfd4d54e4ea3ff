// Files that are not what their names say to one message each, while the sound ones are indexed.
import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct HostileFileTests {
    /// A file of the fixtures; empty where it is missing, which the test then shows.
    static func read(_ name: String) -> [UInt8] {
        (try? Data(contentsOf: URL(fileURLWithPath: Fixtures.path(name)))).map(Array.init) ?? []
    }

    /// One hostile file: how it is made and what is said of it.
    static let files: [(name: String, content: [UInt8], reason: String)] = [
        (
            "bomb.png", read("images/refused/png_20000x20000.png"),
            "too large: 20000 x 20000 is 400000000 pixels, at most 89478485 are read"
        ),
        ("empty.jpg", [], "the file is empty"),
        ("gif.jpg", Array("GIF89a".utf8) + [1, 0, 1, 0], "GIF is not supported (JPEG, PNG and WebP are)"),
        ("noise.webp", [1, 2, 3, 4], "not a picture: the file looks like unknown binary data"),
        ("page.jpg", Array("<!DOCTYPE html><html></html>".utf8), "not a picture: the file looks like an HTML page"),
    ]

    @Test func oneMessageEachAndTheSoundPicturesAreFound() throws {
        let gallery = try Gallery(2)
        let outside = try TemporaryFolder()
        try outside.write("o.jpg", Gallery.content(3))
        for file in Self.files { try gallery.folder.write(file.name, file.content) }
        try gallery.folder.write("cut.jpg", Array(Gallery.content(5).dropLast(2_000)))
        try gallery.folder.write("folder.jpg/inner.jpg", Gallery.content(6))
        mkfifo(gallery.folder.file("fifo.jpg"), 0o600)
        symlink("nowhere", gallery.folder.file("dangling.jpg"))
        symlink(outside.file("o.jpg"), gallery.folder.file("out.jpg"))
        for name in ["a.gif", "b.GIF", "c.heic"] { try gallery.folder.write(name, [1]) }
        let reasons =
            Self.files.map { "penumbra: \($0.name): \($0.reason)" } + [
                "penumbra: cut.jpg: truncated: the file ends before its JPEG picture does",
                "penumbra: dangling.jpg: a link that leads nowhere",
                "penumbra: fifo.jpg: not a regular file", "penumbra: out.jpg: a link that leads out of the root",
            ]

        let first = try gallery.run("index")
        #expect(first.code == 2)
        #expect(first.errors.sorted() == reasons.sorted())
        #expect(Array(first.lines.prefix(2)) == ["3 added, 9 failed", "not supported: 2 GIF, 1 HEIC"])
        let second = try gallery.run("index")
        #expect(second.code == 0 && second.stderr.isEmpty)
        #expect(second.lines.first == "3 unchanged, 9 failed before")
        #expect(
            Set(try gallery.run("search", "x", "--format", "paths").lines)
                == ["p0.jpg", "p1.jpg", "folder.jpg/inner.jpg"])
        let listed = try gallery.run("status", "--failed").lines.map { $0.split(separator: "\t").map(String.init) }
        #expect(listed.map { "penumbra: \($0[0]): \($0[1])" }.sorted() == reasons.sorted())
        #expect(listed.allSatisfy { $0.count == 4 && $0[3].hasPrefix("a retry ") })
        let again = try gallery.run("index", "--retry-failed")
        #expect(
            again.code == 2 && again.lines.first?.hasPrefix("3 unchanged, 6 failed, 3 failed before") == true,
            "\(again.text)")
    }

    @Test func manyFailuresAreCounted() throws {
        let gallery = try Gallery(0)
        for number in 0..<25 { try gallery.folder.write("bad\(number).jpg", [UInt8(number)]) }
        let output = try gallery.run("index")
        #expect(output.code == 2 && output.lines.first == "25 failed")
        #expect(output.errors.count == 21 && output.errors.last == "penumbra: and 5 more that failed")
        #expect(try gallery.run("status", "--failed").lines.count == 25)
    }

    @Test func aHostileNameIsEscapedInItsMessage() throws {
        let gallery = try Gallery(0)
        try gallery.write([1], bytes: Array("a\u{1B}[2J\nb.jpg".utf8))
        let output = try gallery.run("index")
        #expect(
            output.stderr == "penumbra: a\\u{1b}[2J\\nb.jpg: not a picture: the file looks like unknown binary data\n")
    }

    @Test func hugeFilesAreRefusedUnread() throws {
        let gallery = try Gallery(0)
        try gallery.folder.write("huge.jpg", [0xFF, 0xD8, 0xFF])
        truncate(gallery.folder.file("huge.jpg"), 1 << 33)
        let output = try gallery.run("index")
        #expect(output.stderr == "penumbra: huge.jpg: 8590 MB, files over 64 MB are refused\n")
    }

    @Test func unreadableFilesAndFolders() throws {
        let gallery = try Gallery(1)
        try gallery.folder.write("secret.jpg", Gallery.content(3))
        try gallery.folder.write("closed/c.jpg", Gallery.content(4))
        try gallery.folder.write("listed/l.jpg", Gallery.content(5))
        #expect(chmod(gallery.folder.file("secret.jpg"), 0) == 0)
        #expect(chmod(gallery.folder.file("closed"), 0) == 0)
        defer { chmod(gallery.folder.file("closed"), 0o700) }
        // Root reads everything: become nobody.
        let isRoot = geteuid() == 0
        if isRoot { chown(gallery.path, 65_534, 65_534) }
        let user = isRoot ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : ""
        let reachable = try Program.shell("\(user)test -x \"$PENUMBRA\" && \(user)ls .", in: gallery.path)
        guard reachable.code == 0 else {
            print("unreadableFilesAndFolders: skipped, another user cannot run \(Program.path)")
            return
        }
        #expect(try Program.shell("\(user)cat secret.jpg", in: gallery.path).code != 0, "really unreadable")
        let output = try Program.shell("\(user)\"$PENUMBRA\" index", in: gallery.path)
        #expect(output.code == 2)
        #expect(output.lines.first == "2 added, 2 failed")
        #expect(
            output.errors == [
                "penumbra: closed: Permission denied; nothing below it was looked at or deleted",
                "penumbra: secret.jpg: Permission denied",
            ])
        let second = try Program.shell("\(user)\"$PENUMBRA\" index", in: gallery.path)
        #expect(second.code == 0 && second.lines.first == "2 unchanged, 2 failed before")
        #expect(chmod(gallery.folder.file("p0.jpg"), 0) == 0)
        #expect(try Program.shell("\(user)\"$PENUMBRA\" index", in: gallery.path).code == 2)
        let search = try Program.shell("\(user)\"$PENUMBRA\" search x --format paths", in: gallery.path)
        #expect(Set(search.lines) == ["p0.jpg", "listed/l.jpg"])
        // A folder that lists its names and denies the files: nothing in it is gone.
        #expect(chmod(gallery.folder.file("listed"), 0o444) == 0)
        let listed = try Program.shell("\(user)\"$PENUMBRA\" index", in: gallery.path)
        #expect(listed.code == 2 && listed.stderr.contains("listed: Permission denied"), "\(listed.stderr)")
        #expect(try Program.shell("\(user)\"$PENUMBRA\" status", in: gallery.path).text.contains("pictures      2"))
        #expect(chmod(gallery.folder.file("listed"), 0o755) == 0)
        let again = try Program.shell("\(user)\"$PENUMBRA\" index", in: gallery.path)
        #expect(again.code == 0 && again.lines.first == "1 unchanged, 3 failed before", "\(again.text)\(again.stderr)")
    }

    @Test func indexFoldersArePrivate() throws {
        let gallery = try Gallery(1)
        let output = try Program.shell("umask 0; \"$PENUMBRA\" index && \"$PENUMBRA\" search x", in: gallery.path)
        #expect(output.code == 0)
        let paths = try FileManager.default.subpathsOfDirectory(atPath: gallery.folder.file(".penumbra"))
        #expect(gallery.mode(".penumbra") == 0o700)
        for path in paths {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: gallery.folder.file(".penumbra/\(path)"), isDirectory: &isFolder)
            let mode = gallery.mode(".penumbra/\(path)")
            #expect(mode == (isFolder.boolValue ? 0o700 : 0o600), "\(path): \(String(mode, radix: 8))")
        }
        #expect(paths.contains("catalog.sqlite") && paths.contains("writer.lock"))
    }
}
