// Everything a folder can hold that is no sound picture: one exact message each, and the sound ones are indexed.
import Foundation
import Glibc
import TestSupport
import Testing

/// One hostile entry of a folder beside two sound pictures, `p0.jpg` and `p1.jpg`.
struct HostileCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Puts it into the gallery's folder.
    let make: @Sendable (Gallery) throws -> Void
    /// What stderr says, without "penumbra: "; the exit code is 2 where there is anything.
    var messages: [String] = []
    /// What stdout says beside the summary.
    var remarks: [String] = []
    /// Pictures that are found beside the two.
    var found: [String] = []
    /// Notices are repeated by the next run and are no failure.
    var isNotice = false

    init(
        _ name: String, _ messages: [String] = [], remarks: [String] = [], found: [String] = [],
        isNotice: Bool = false, make: @escaping @Sendable (Gallery) throws -> Void
    ) {
        testDescription = name
        self.make = make
        self.messages = messages
        self.remarks = remarks
        self.found = found
        self.isNotice = isNotice
    }

    static func file(_ name: String, _ content: @autoclosure @escaping @Sendable () throws -> [UInt8], _ reason: String)
        -> HostileCase
    {
        HostileCase("\(name): \(reason)", ["\(name): \(reason)"]) { try $0.folder.write(name, content()) }
    }

    static func fixture(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("images/refused/\(name)"))))
    }

    static let all: [HostileCase] = files + entries + names

    static let files: [HostileCase] = [
        file("empty.jpg", [], "the file is empty"),
        file(
            "cut.jpg", Array(try Gallery.content(5).dropLast(2_000)),
            "truncated: the file ends before its JPEG picture does"),
        file("start.jpg", [0xFF, 0xD8, 0xFF, 0xE0], "truncated: the file ends before its JPEG picture does"),
        file("gif.jpg", Array("GIF89a".utf8) + [1, 0, 1, 0], "GIF is not supported (JPEG, PNG and WebP are)"),
        file("page.jpg", Array("<!DOCTYPE html><html></html>".utf8), "not a picture: the file looks like an HTML page"),
        file("notes.png", Array("just notes".utf8), "not a picture: the file looks like text"),
        file("noise.webp", [1, 2, 3, 4], "not a picture: the file looks like unknown binary data"),
        file(
            "bomb.png", try fixture("png_20000x20000.png"),
            "too large: 20000 x 20000 is 400000000 pixels, at most 89478485 are read"),
        file(
            "bomb.jpg", try fixture("jpg_20000x20000.jpg"),
            "too large: 20000 x 20000 is 400000000 pixels, at most 89478485 are read"),
        file("scans.jpg", try fixture("jpg_101_scans.jpg"), "too many scans: 101 in one JPEG, at most 100 are read"),
        HostileCase("a file of 8 GB", ["huge.jpg: 8590 MB, files over 64 MB are refused"]) {
            try $0.folder.write("huge.jpg", [0xFF, 0xD8, 0xFF])
            truncate($0.folder.file("huge.jpg"), 1 << 33)
        },
    ]

    static let entries: [HostileCase] = [
        HostileCase("a folder named like a picture", found: ["folder.jpg/inner.jpg"]) {
            try $0.folder.write("folder.jpg/inner.jpg", Gallery.content(6))
        },
        HostileCase("a FIFO", ["fifo.jpg: not a regular file"]) { mkfifo($0.folder.file("fifo.jpg"), 0o600) },
        HostileCase("a socket", ["socket.jpg: not a regular file"]) { gallery in
            #expect(mknod(gallery.folder.file("socket.jpg"), S_IFSOCK | 0o600, 0) == 0)
        },
        HostileCase("a device", ["null.jpg: not a regular file"]) { gallery in
            // /dev/null's numbers; making a device takes root, whom a FIFO must stand in for.
            let made = mknod(gallery.folder.file("null.jpg"), S_IFCHR | 0o600, 1 << 8 | 3)
            if made != 0 { mkfifo(gallery.folder.file("null.jpg"), 0o600) }
        },
        HostileCase("a link that leads nowhere", ["dangling.jpg: a link that leads nowhere"]) {
            symlink("nowhere", $0.folder.file("dangling.jpg"))
        },
        HostileCase("a link to itself", ["self.jpg: a link that leads nowhere"]) {
            symlink("self.jpg", $0.folder.file("self.jpg"))
        },
        HostileCase("a link out of the root", ["out.jpg: a link that leads out of the root"]) {
            symlink(Fixtures.repository("Examples/Gallery/scene-003.jpg"), $0.folder.file("out.jpg"))
        },
        HostileCase("a link inside the root", found: ["link.jpg"]) { symlink("p0.jpg", $0.folder.file("link.jpg")) },
        HostileCase(
            "a circle of folders", remarks: ["2 links to folders not followed (--follow-links)"],
            found: ["sub/s.jpg"]
        ) {
            try $0.folder.write("sub/s.jpg", Gallery.content(7))
            symlink("..", $0.folder.file("sub/up"))
            symlink(".", $0.folder.file("here"))
        },
        HostileCase(
            "an index of its own", ["nested: skipped, it has an index of its own"], isNotice: true
        ) {
            try $0.folder.write("nested/.penumbra/catalog.sqlite", [])
            try $0.folder.write("nested/n.jpg", Gallery.content(7))
        },
        HostileCase("kinds that are not read", remarks: ["not supported: 2 GIF, 1 HEIC, 1 video"]) {
            for name in ["a.gif", "b.GIF", "c.heic", "d.MOV"] { try $0.folder.write(name, [1]) }
        },
    ]

    static let names: [HostileCase] = [
        HostileCase("an upper-case extension", found: ["LOUD.JPG"]) {
            try $0.folder.write("LOUD.JPG", Gallery.content(8))
        },
        HostileCase("composed and decomposed names", found: ["\u{E9}.jpg", "e\u{301}.jpg"]) { gallery in
            try gallery.write(Gallery.content(9), bytes: [0xC3, 0xA9] + Array(".jpg".utf8))
            try gallery.write(Gallery.content(10), bytes: Array("e".utf8) + [0xCC, 0x81] + Array(".jpg".utf8))
        },
        HostileCase("a name that is no UTF-8", found: ["\\xff\\xfe.jpg"]) {
            try $0.write(Gallery.content(11), bytes: [0xFF, 0xFE] + Array(".jpg".utf8))
        },
        HostileCase("newlines and escape sequences", found: ["a\\u{1b}[2J\\nb.jpg"]) {
            try $0.write(Gallery.content(12), bytes: Array("a\u{1B}[2J\nb.jpg".utf8))
        },
        HostileCase(
            "a damaged file of such a name",
            ["a\\u{1b}[2J\\nb.jpg: not a picture: the file looks like unknown binary data"]
        ) { try $0.write([1], bytes: Array("a\u{1B}[2J\nb.jpg".utf8)) },
        HostileCase("a name like an option", found: ["./-n.jpg"]) {
            try $0.folder.write("-n.jpg", Gallery.content(13))
        },
        HostileCase("a path of 4,000 bytes", found: [HostileCase.longPath]) { gallery in
            let script = """
                for i in $(seq 20); do mkdir \(longName) && cd \(longName) || exit 1; done
                mv "$OLDPWD_ROOT/temporary.jpg" deep.jpg
                """
            try gallery.folder.write("temporary.jpg", Gallery.content(14))
            let output = try Program.shell(script, in: gallery.path, environment: ["OLDPWD_ROOT": gallery.path])
            #expect(output.code == 0, "\(output.stderr)")
        },
    ]

    static let longName = String(repeating: "n", count: 199)
    static let longPath = String(repeating: "\(longName)/", count: 20) + "deep.jpg"
}

@Suite struct HostileFolderTests {
    @Test(arguments: HostileCase.all) func oneMessageEachAndTheSoundPicturesAreFound(_ hostile: HostileCase) throws {
        let gallery = try Gallery(2)
        try hostile.make(gallery)
        let first = try gallery.run("index")
        let isFailure = !hostile.messages.isEmpty && !hostile.isNotice
        #expect(first.code == (isFailure ? 2 : 0))
        #expect(first.errors == hostile.messages.map { "penumbra: \($0)" })
        let sound = ["p0.jpg", "p1.jpg"] + hostile.found
        #expect(first.lines.dropFirst().dropLast() == hostile.remarks[...])
        let second = try gallery.run("index")
        #expect(second.code == 0, "only failures remembered from before")
        #expect(second.errors == (hostile.isNotice ? first.errors : []))
        let counts = "\(sound.count) unchanged" + (isFailure ? ", \(hostile.messages.count) failed before" : "")
        #expect(second.lines.first == counts)
        let found = try gallery.run("search", "x", "--format", "paths").lines
        // Composed and decomposed names are equal as strings, not as names.
        #expect(Set(found.map { Array($0.utf8) }) == Set(sound.map { Array($0.utf8) }))
        #expect(try gallery.run("verify", "--files").code == 0)
    }

    @Test func allOfThemTogether() throws {
        let gallery = try Gallery(2)
        for hostile in HostileCase.all where hostile.testDescription != "a damaged file of such a name" {
            try hostile.make(gallery)
        }
        let output = try gallery.run("index")
        let expected = HostileCase.all.filter { $0.testDescription != "a damaged file of such a name" }
        #expect(output.code == 2)
        let told = expected.flatMap(\.messages).map { "penumbra: \($0)" }
        #expect(Set(output.errors) == Set(told) && output.errors.count == told.count, "\(output.stderr)")
        let found = try gallery.run("search", "x", "-n", "100", "--format", "paths").lines
        #expect(Set(found) == Set(["p0.jpg", "p1.jpg"] + expected.flatMap(\.found)))
    }

    @Test func manyFailuresAreCounted() throws {
        let gallery = try Gallery(0)
        for number in 0..<25 { try gallery.folder.write("bad\(number).jpg", [UInt8(number)]) }
        let output = try gallery.run("index")
        #expect(output.code == 2 && output.lines.first == "25 failed")
        #expect(output.errors.count == 21 && output.errors.last == "penumbra: and 5 more that failed")
        #expect(try gallery.run("status", "--failed").lines.count == 25)
    }

    @Test func unreadableFilesAndFolders() throws {
        let gallery = try Gallery(1)
        try gallery.folder.write("secret.jpg", Gallery.content(3))
        try gallery.folder.write("closed/c.jpg", Gallery.content(4))
        try gallery.folder.write("listed/l.jpg", Gallery.content(5))
        let nobody = try Nobody()
        try nobody.own(gallery.path)
        #expect(chmod(gallery.folder.file("secret.jpg"), 0) == 0)
        #expect(chmod(gallery.folder.file("closed"), 0) == 0)
        defer { chmod(gallery.folder.file("closed"), 0o700) }
        #expect(try nobody.shell("cat secret.jpg", in: gallery.path).code != 0, "it must be unreadable")
        let index = "\"$PENUMBRA\" index"
        let output = try nobody.shell(index, in: gallery.path)
        #expect(output.code == 2 && output.lines.first == "2 added, 2 failed")
        #expect(
            output.errors == [
                "penumbra: closed: Permission denied; nothing below it was looked at or deleted",
                "penumbra: secret.jpg: Permission denied",
            ])
        let second = try nobody.shell(index, in: gallery.path)
        #expect(second.code == 0 && second.lines.first == "2 unchanged, 2 failed before")
        #expect(chmod(gallery.folder.file("p0.jpg"), 0) == 0)
        #expect(try nobody.shell(index, in: gallery.path).code == 2)
        let search = try nobody.shell("\"$PENUMBRA\" search x --format paths", in: gallery.path)
        #expect(Set(search.lines) == ["p0.jpg", "listed/l.jpg"])
        // A folder that lists its names and denies the files: nothing in it is gone.
        #expect(chmod(gallery.folder.file("listed"), 0o444) == 0)
        let listed = try nobody.shell(index, in: gallery.path)
        #expect(listed.code == 2 && listed.stderr.contains("listed: Permission denied"), "\(listed.stderr)")
        #expect(try nobody.shell("\"$PENUMBRA\" status", in: gallery.path).text.contains("pictures      2"))
        #expect(chmod(gallery.folder.file("listed"), 0o755) == 0)
        let again = try nobody.shell(index, in: gallery.path)
        #expect(again.code == 0 && again.lines.first == "1 unchanged, 3 failed before", "\(again.text)\(again.stderr)")
    }

    /// Links that lead out of the root are followed only when asked, and then like any file.
    @Test func linksOutOfTheRootOnRequest() throws {
        let gallery = try Gallery(1)
        let outside = try TemporaryFolder()
        try outside.write("album/o.jpg", Gallery.content(3))
        symlink(outside.file("album"), gallery.folder.file("album"))
        symlink(".", gallery.folder.file("here"))
        let output = try gallery.run("index", "--follow-links")
        #expect(output.code == 0 && output.lines.first == "2 added")
        #expect(output.errors == ["penumbra: here: skipped, it is a link to a folder above it"])
    }

    @Test func aFileThatChangesWhileItIsReadIsNotBelieved() throws {
        let gallery = try Gallery(1)
        try gallery.folder.write("growing.jpg", [0xFF, 0xD8, 0xFF])
        truncate(gallery.folder.file("growing.jpg"), 48 << 20)
        let script = """
            (while :; do printf x; done) >> growing.jpg & writer=$!
            "$PENUMBRA" index; code=$?
            kill -9 $writer; exit $code
            """
        let output = try Program.shell(script, in: gallery.path)
        #expect(output.code == 2)
        #expect(
            output.errors.filter { $0.hasPrefix("penumbra") } == [
                "penumbra: growing.jpg: changed while it was being read"
            ])
        #expect(output.lines.first == "1 added, 1 failed")
    }

    @Test func aFileThatVanishesBeforeItIsReadIsSaidSo() throws {
        let gallery = try Gallery(0)
        for number in 0..<200 {
            try gallery.folder.write("\(number).jpg", Gallery.content(number % 8) + [UInt8(number)])
        }
        try gallery.folder.write("z.jpg", Gallery.content(20))
        // The survey is over when the log says so; the last file in the order of names goes then.
        let script = """
            "$PENUMBRA" index --jobs 1 --verbose 2> >(while read -r line; do
                case $line in *surveyed*) rm z.jpg;; *z.jpg*) echo "$line" > said;; esac; done)
            code=$?; sleep 0.2; cat said; exit $code
            """
        let output = try Program.shell(script, in: gallery.path)
        #expect(output.code == 2, "\(output.text)")
        #expect(output.lines.last == "penumbra: z.jpg: No such file or directory", "\(output.text)")
        #expect(output.lines.first == "200 added, 1 failed")
        let next = try gallery.run("index")
        #expect(next.code == 0 && next.lines.first == "200 unchanged")
    }

    @Test func aHundredThousandFilesInOneFolder() throws {
        let gallery = try Gallery(1)
        let png = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("images/src/png_1x1.png")))
        for number in 0..<100_000 {
            let descriptor = open(gallery.folder.file("\(number).png"), O_CREAT | O_WRONLY, 0o600)
            #expect(png.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == png.count)
            close(descriptor)
        }
        let first = try gallery.run("index")
        #expect(first.code == 0 && first.lines.first == "2 added, 99999 copied", "\(first.text)\(first.stderr)")
        let start = ContinuousClock.now
        #expect(try gallery.run("index").lines.first == "100001 unchanged")
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(try gallery.run("search", "x", "-n", "3").lines.count == 4)
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
