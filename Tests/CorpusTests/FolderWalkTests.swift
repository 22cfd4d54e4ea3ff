// What the folder walk finds, skips and refuses.
import Corpus
import Foundation
import TestSupport
import Testing

@Suite struct FolderWalkTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func listings(from start: String = "") throws -> [FolderListing] {
        var listings: [FolderListing] = []
        try FolderWalk(root: folder.path).forEachFolder(from: RelativePath(start)) {
            listings.append($0)
            return true
        }
        return listings
    }

    func names(_ listings: [FolderListing]) -> [String] {
        listings.flatMap { $0.files.map(\.path).sorted() }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func picturesByExtensionInNameOrder() throws {
        for name in [
            "b.JPG", "a.png", "sub/c.WebP", "sub/deep/d.jpeg", "notes.txt", ".hidden.jpg", ".git/e.jpg", "jpg",
        ] {
            try folder.write(name, [1])
        }
        for name in ["x.heic", "y.HEIC", "z.mp4"] { try folder.write(name, [1]) }
        let listings = try self.listings()
        #expect(names(listings) == ["a.png", "b.JPG", "sub/c.WebP", "sub/deep/d.jpeg"])
        #expect(listings[0].unsupported == ["HEIC": 2, "video": 1])
        #expect(listings.allSatisfy { $0.failure == nil })
        #expect(names(try self.listings(from: "sub/deep")) == ["sub/deep/d.jpeg"])
    }

    @Test func rawNamesSurvive() throws {
        let bytes: [UInt8] = [0x66, 0xFF, 0x0A, 0x2E, 0x6A, 0x70, 0x67]  // "f", not UTF-8, newline, ".jpg"
        let path = Array(folder.path.utf8) + [0x2F] + bytes
        let descriptor = (path + [0]).map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { open($0, O_CREAT | O_WRONLY, 0o600) } ?? -1
        }
        close(descriptor)
        let found = try listings().flatMap(\.files)
        #expect(found.map(\.path.bytes) == [bytes])
        let reader = try FileReader(root: folder.path)
        #expect(try reader.read(found[0].path).bytes.isEmpty)
    }

    @Test func specialFilesLinksAndNestedIndexesAreToldApart() throws {
        let outside = try TemporaryFolder()
        try outside.write("o.jpg", [1])
        try folder.write("real.jpg", [1, 2, 3])
        try folder.write("nested/.penumbra/catalog.sqlite", [])
        try folder.write("nested/n.jpg", [1])
        try folder.write("dir.jpg/inner.jpg", [1])
        mkfifo(folder.file("fifo.jpg"), 0o600)
        symlink("real.jpg", folder.file("inside.jpg"))
        symlink("nowhere", folder.file("dangling.jpg"))
        symlink(outside.file("o.jpg"), folder.file("outside.jpg"))
        symlink(".", folder.file("loop"))
        let listings = try self.listings()
        #expect(names(listings) == ["inside.jpg", "real.jpg", "dir.jpg/inner.jpg"])
        #expect(
            listings[0].refused.map { "\(String(decoding: $0.path.bytes, as: UTF8.self)): \($0.reason)" }.sorted() == [
                "dangling.jpg: a link that leads nowhere", "fifo.jpg: not a regular file",
                "outside.jpg: a link that leads out of the root",
            ])
        #expect(listings.filter(\.holdsNestedIndex).map(\.folder) == [RelativePath("nested")])
        let reader = try FileReader(root: folder.path)
        #expect(throws: FileReadError(reason: "not a regular file")) { try reader.read(RelativePath("fifo.jpg")) }
        #expect(throws: FileReadError(reason: "No such file or directory")) {
            try reader.read(RelativePath("gone.jpg"))
        }
    }

    func walk(_ change: (inout WalkOptions) -> Void) throws -> [FolderListing] {
        var options = WalkOptions()
        change(&options)
        var listings: [FolderListing] = []
        try FolderWalk(root: folder.path, options: options).forEachFolder(from: RelativePath("")) {
            listings.append($0)
            return true
        }
        return listings
    }

    @Test func linksAreFollowedOnRequestButNotInCircles() throws {
        let outside = try TemporaryFolder()
        try outside.write("album/o.jpg", [1])
        try folder.write("sub/real.jpg", [1])
        symlink(outside.file("album"), folder.file("album"))
        symlink(outside.file("album/o.jpg"), folder.file("o.jpg"))
        symlink("..", folder.file("sub/up"))
        let still = try listings()
        #expect(names(still) == ["sub/real.jpg"])
        #expect(still.map(\.folderLinks) == [1, 1], "album and sub/up")
        let followed = try walk { $0.followsLinks = true }
        #expect(names(followed) == ["o.jpg", "album/o.jpg", "sub/real.jpg"])
        #expect(followed.filter(\.isLoop).map(\.folder) == [RelativePath("sub/up")])
    }

    @Test func excludedEntriesAreNotLookedAt() throws {
        for name in ["a.jpg", "a.tmp.jpg", "thumbnails/b.jpg", "2019/x/small/c.jpg", "2019/d.jpg", "small/e.jpg"] {
            try folder.write(name, [1])
        }
        let patterns = ["*.tmp.jpg", "thumbnails/", "2019/**/small"]
        let listings = try walk { $0.excludes = patterns.compactMap(Glob.init) }
        #expect(names(listings) == ["a.jpg", "2019/d.jpg", "small/e.jpg"])
    }

    @Test func everyFileIsLookedIntoOnRequest() throws {
        let jpeg: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0] + [UInt8](repeating: 0, count: 20)
        try folder.write("photo.dat", jpeg)
        try folder.write("photo", Array("RIFF....WEBPVP8 ".utf8))
        try folder.write("mislabelled.gif", jpeg)
        try folder.write("notes.txt", Array("notes".utf8))
        try folder.write("scan.bin", [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0])
        try folder.write("empty", [])
        #expect(names(try listings()) == [])
        let listings = try walk { $0.sniffsAll = true }
        #expect(names(listings) == ["mislabelled.gif", "photo", "photo.dat"])
        #expect(listings[0].unsupported == ["TIFF": 1])
    }

    @Test func aLargeFolderComesInParts() throws {
        for number in 0..<600 { try folder.write("\(number).jpg", []) }
        let listings = try self.listings()
        #expect(listings.count == 3 && listings.map(\.isContinued) == [true, true, false])
        #expect(Set(names(listings)).count == 600)
        #expect(listings.allSatisfy { !$0.isEmpty })
    }

    @Test func aMissingFolderIsAFailureNotAnEmptyListing() throws {
        let listings = try self.listings(from: "gone")
        #expect(listings.count == 1)
        #expect(listings[0].failure == "No such file or directory")
        #expect(throws: CorpusError.self) { try FolderWalk(root: folder.file("gone")) }
    }

    @Test func contentIsHashedAndHugeFilesRefused() throws {
        try folder.write("abc.jpg", Array("abc".utf8))
        let reader = try FileReader(root: folder.path)
        let hash = try reader.read(RelativePath("abc.jpg")).hash.map { String(format: "%02x", $0) }.joined()
        #expect(hash == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        try folder.write("huge.jpg", [])
        truncate(folder.file("huge.jpg"), 64 << 20 | 1)
        #expect(throws: FileReadError(reason: "68 MB, files over 64 MB are refused")) {
            try reader.read(RelativePath("huge.jpg"))
        }
    }

    @Test func whatWasJustWrittenIsFresh() throws {
        let reader = try FileReader(root: folder.path)
        let isSeen = try (0..<100).contains { number in
            try folder.write("\(number).jpg", [1])
            return try reader.read(RelativePath("\(number).jpg")).isFresh
        }
        #expect(isSeen, "a hundred times more than 20 ms between a write and a read?")
        usleep(50_000)
        #expect(try !reader.read(RelativePath("0.jpg")).isFresh)
    }

    @Test func paths() {
        let path = RelativePath("a/b/c.jpg")
        #expect(path.parent == RelativePath("a/b") && path.name == Array("c.jpg".utf8))
        #expect(path.isInside(RelativePath("a")) && path.isInside(RelativePath("")) && path.isInside(path))
        #expect(!path.isInside(RelativePath("a/b/c")) && !RelativePath("ab").isInside(RelativePath("a")))
        #expect(RelativePath("c").parent == RelativePath(""))
    }
}
