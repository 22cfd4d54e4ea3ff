// Folders that vanish, empty, nest or are scanned alone to what is deleted and what is not.
import Engine
import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct FolderTests {
    func pictures() throws -> Pictures { try Pictures(["a.jpg": 1, "sub/b.jpg": 2, "sub/deep/c.jpg": 3]) }

    func only(_ folder: String) -> IndexingOptions {
        var options = IndexingOptions(jobs: 1)
        options.folders = [folder]
        return options
    }

    @Test func aSubFolderScanAddsAndRemovesNothingElsewhere() async throws {
        let pictures = try pictures()
        #expect(try await pictures.update(only(pictures.folder.file("sub"))).counts == "2 added")
        #expect(try await pictures.update().counts == "1 added, 2 unchanged")
        try pictures.remove("a.jpg")
        try pictures.remove("sub/b.jpg")
        #expect(try await pictures.update(only(pictures.folder.file("sub"))).counts == "1 removed, 1 unchanged")
        #expect(try pictures.names() == ["a.jpg", "sub/deep/c.jpg"])
    }

    @Test func foldersWithASharedPrefixAreToldApart() async throws {
        let pictures = try Pictures(["sub/a.jpg": 1, "sub2/b.jpg": 2])
        try await pictures.update()
        try pictures.remove("sub2/b.jpg")
        #expect(try await pictures.update(only(pictures.folder.file("sub"))).counts == "1 unchanged")
        #expect(try pictures.names().count == 2)
    }

    @Test func aVanishedSubFolderKeepsItsPicturesUnlessToldOtherwise() async throws {
        let pictures = try pictures()
        try await pictures.update()
        try pictures.remove("sub")
        let summary = try await pictures.update()
        #expect(summary.counts == "1 unchanged")
        #expect(summary.notices.map { String(decoding: $0.path, as: UTF8.self) } == ["sub"])
        #expect(summary.notices.first?.reason.hasPrefix("gone, but held 2 pictures") == true, "\(summary.notices)")
        var options = IndexingOptions(jobs: 1)
        options.deletesMissing = true
        #expect(try await pictures.update(options).counts == "2 removed, 1 unchanged")
        #expect(try pictures.names() == ["a.jpg"])
    }

    @Test func anEmptiedFolderIsProtectedUnlessToldOtherwise() async throws {
        let pictures = try pictures()
        try await pictures.update()
        try pictures.remove("sub/deep/c.jpg")
        let summary = try await pictures.update()
        #expect(summary.counts == "2 unchanged")
        #expect(summary.notices.map { String(decoding: $0.path, as: UTF8.self) } == ["sub/deep"])
        #expect(
            summary.notices.first?.reason.hasPrefix("empty, but held 1 picture") == true,
            "\(summary.notices)")
        #expect(try pictures.names().count == 3)
        var options = IndexingOptions(jobs: 1)
        options.deletesMissing = true
        #expect(try await pictures.update(options).counts == "1 removed, 2 unchanged")
    }

    @Test func anEmptiedRootIsProtected() async throws {
        let pictures = try pictures()
        try await pictures.update()
        try pictures.remove("a.jpg")
        try pictures.remove("sub")
        let summary = try await pictures.update()
        #expect(summary.counts == "")
        #expect(summary.total == 3)
        #expect(summary.notices.map(\.path) == [[]])
        #expect(try pictures.names().count == 3)
    }

    @Test(.enabled(if: geteuid() != 0, "root reads everything"))
    func anUnreadableFolderDeletesNothing() async throws {
        let pictures = try pictures()
        try await pictures.update()
        chmod(pictures.folder.file("sub"), 0)
        defer { chmod(pictures.folder.file("sub"), 0o700) }
        let summary = try await pictures.update()
        #expect(summary.counts == "1 unchanged")
        #expect(summary.notices.map(\.reason) == ["Permission denied; nothing below it was looked at or deleted"])
        #expect(summary.total == 3)
    }

    @Test func aNestedIndexIsSkippedWithANotice() async throws {
        let pictures = try pictures()
        try await pictures.update()
        let sub = pictures.folder.file("sub")
        let inner = try Index.create(at: sub + "/.penumbra", root: sub, model: pictures.index.model())
        #expect(try await inner.update(IndexingOptions(jobs: 1)).counts == "2 added")
        let summary = try await pictures.update()
        #expect(summary.counts == "1 unchanged")
        #expect(summary.notices.map(\.reason) == ["skipped, it has an index of its own"])
        #expect(try pictures.names().count == 3, "what was indexed before the nested index came stays")
    }

    @Test func aFolderOutsideTheRootIsRefused() async throws {
        let pictures = try pictures()
        let outside = try TemporaryFolder()
        let error = await #expect(throws: (any Error).self) { try await pictures.update(only(outside.path)) }
        #expect(error.map { "\($0)" }?.contains("lies outside the root of this index") == true)
        let missing = await #expect(throws: (any Error).self) {
            try await pictures.update(only(pictures.folder.file("gone")))
        }
        #expect(missing.map { "\($0)" }?.hasSuffix("gone: No such file or directory") == true)
    }

    @Test func aRootThatIsGoneIsAnError() async throws {
        let outside = try TemporaryFolder()
        let pictures = try pictures()
        let elsewhere = outside.file("index")
        let index = try Index.create(at: elsewhere, root: pictures.root, model: pictures.index.model())
        _ = try await index.update()
        try FileManager.default.moveItem(atPath: pictures.root, toPath: outside.file("moved"))
        await #expect(throws: (any Error).self) { try await index.update() }
        #expect(try index.status().images == 3)
    }

    @Test func namesThatAreNoUTF8AreItemsOfTheirOwn() async throws {
        let pictures = try Pictures()
        let names: [[UInt8]] = [
            [0x66, 0xFE], [0x66, 0xFF], Array("e\u{301}".utf8), Array("\u{E9}".utf8), [0x61, 0x0A],
        ]
        for (number, name) in names.enumerated() {
            try pictures.write(number, "t")
            let target = Array(pictures.root.utf8) + [0x2F] + name + Array(".jpg".utf8) + [0]
            #expect(
                target.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { buffer in
                    buffer.baseAddress.map { rename(pictures.folder.file("t"), $0) } == 0
                })
        }
        #expect(try await pictures.update().counts == "5 added")
        let found = try pictures.index.search("x", limit: 10).results.map { Array($0.path.dropLast(4)) }
        #expect(Set(found) == Set(names))
        #expect(try await pictures.update().counts == "5 unchanged")
    }

    @Test func linksToFilesBelowTheRootAreFollowed() async throws {
        let pictures = try Pictures(["real.jpg": 1])
        symlink("real.jpg", pictures.folder.file("link.jpg"))
        #expect(try await pictures.update().counts == "1 added, 1 copied")
    }
}
