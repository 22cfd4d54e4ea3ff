// Files that cannot be indexed to reasons that are remembered, and forgotten when they no longer hold.
import Engine
import Foundation
import Glibc
import Storage
import TestSupport
import Testing

@Suite struct FailureTests {
    /// One sound picture and one that is cut off.
    func pictures() throws -> Pictures {
        let pictures = try Pictures(["good.jpg": 1])
        try pictures.folder.write("bad.jpg", Array(Pictures.content(2).prefix(3_000)))
        return pictures
    }

    var retrying: IndexingOptions {
        var options = IndexingOptions(jobs: 1)
        options.retriesFailed = true
        return options
    }

    @Test func oneBadFileIsListedAndRemembered() async throws {
        let pictures = try pictures()
        let first = try await pictures.update()
        #expect(first.counts == "1 added, 1 failed")
        #expect(first.failures.map(\.path) == [Array("bad.jpg".utf8)])
        #expect(first.failures.map(\.reason) == ["truncated: the file ends before its JPEG picture does"])
        #expect(try await pictures.update().counts == "1 unchanged, 1 failed before")
        #expect(try pictures.index.status().failures == first.failures)
        #expect(try pictures.names() == ["good.jpg"])
    }

    @Test func aFailureIsTriedAgainOnRequest() async throws {
        let pictures = try pictures()
        try await pictures.update()
        #expect(try await pictures.update(retrying).counts == "1 unchanged, 1 failed")
    }

    @Test func aFailureIsTriedAgainWhenTheFileChanges() async throws {
        let pictures = try pictures()
        try await pictures.update()
        try pictures.write(2, "bad.jpg")
        #expect(try await pictures.update().counts == "1 added, 1 unchanged")
        #expect(try pictures.index.status().failures.isEmpty)
    }

    /// A picture that could not be read for a while, and is what it was when it can be.
    @Test(arguments: [false, true]) func aFailureIsForgottenWhenTheFileIsWhatWasIndexed(isTouched: Bool) async throws {
        let pictures = try Pictures(["a.jpg": 1])
        try await pictures.update()
        let file = try #require(try pictures.records()["a.jpg"]?.file)
        var batch = Batch()
        batch.failures = [
            FailureRecord(
                name: Array("a.jpg".utf8), reason: "Permission denied", size: file.size, modified: 0, changed: 0,
                time: 1, isRetryable: true)
        ]
        try IndexWriter(pictures.index.store).commit(batch)
        if isTouched { try pictures.touch("a.jpg", 1_000_000_000) }
        #expect(try await pictures.update().counts == "1 unchanged")
        #expect(try pictures.index.status().failures.isEmpty)
    }

    @Test func aFailureIsForgottenWithItsFile() async throws {
        let pictures = try pictures()
        try await pictures.update()
        try pictures.remove("bad.jpg")
        #expect(try await pictures.update().counts == "1 unchanged")
        #expect(try pictures.index.status().failures.isEmpty)
    }

    @Test func aPictureThatIsDamagedLaterIsNoLongerFound() async throws {
        let pictures = try pictures()
        try await pictures.update()
        try pictures.folder.write("good.jpg", [1, 2, 3])
        try pictures.touch("good.jpg", 1_000_000_000)
        let summary = try await pictures.update()
        #expect(summary.counts == "1 failed, 1 failed before")
        #expect(summary.failures.map(\.reason) == ["not a picture: the file looks like unknown binary data"])
        #expect(try pictures.names() == [])
        try pictures.write(1, "good.jpg")
        #expect(try await pictures.update().counts == "1 added, 1 failed before")
    }

    @Test func copiesOfABadFileFailForTheSameReason() async throws {
        let pictures = try pictures()
        try pictures.folder.write("worse.jpg", Array(Pictures.content(2).prefix(3_000)))
        let summary = try await pictures.update()
        #expect(summary.counts == "1 added, 2 failed")
        #expect(Set(summary.failures.map(\.reason)) == ["truncated: the file ends before its JPEG picture does"])
        #expect(try await pictures.update().counts == "1 unchanged, 2 failed before")
    }

    @Test func whatIsNoFileIsRefusedOnceAndReplaceable() async throws {
        let pictures = try Pictures(["good.jpg": 1, "was.jpg": 2])
        try await pictures.update()
        try pictures.remove("was.jpg")
        mkfifo(pictures.folder.file("was.jpg"), 0o600)
        symlink("nowhere", pictures.folder.file("link.jpg"))
        let summary = try await pictures.update()
        #expect(summary.counts == "1 removed, 1 unchanged, 2 failed")
        #expect(summary.failures.map(\.reason) == ["a link that leads nowhere", "not a regular file"])
        #expect(try await pictures.update().counts == "1 unchanged, 2 failed before")
        try pictures.remove("was.jpg")
        try pictures.remove("link.jpg")
        try pictures.write(2, "was.jpg")
        #expect(try await pictures.update().counts == "1 added, 1 unchanged")
        #expect(try pictures.index.status().failures.isEmpty)
    }

    @Test func aFileOutsideASubFolderScanStaysRemembered() async throws {
        let pictures = try pictures()
        try pictures.write(3, "sub/c.jpg")
        try await pictures.update()
        try pictures.remove("bad.jpg")
        var options = IndexingOptions(jobs: 1)
        options.folders = [pictures.folder.file("sub")]
        #expect(try await pictures.update(options).counts == "1 unchanged")
        #expect(try pictures.index.status().failures.count == 1)
    }

    @Test func unsupportedKindsAreCountedNotFailed() async throws {
        let pictures = try Pictures(["good.jpg": 1])
        for name in ["a.gif", "b.GIF", "sub/c.heic", "d.mov", "notes.txt"] { try pictures.folder.write(name, [1]) }
        let summary = try await pictures.update()
        #expect(summary.counts == "1 added")
        #expect(summary.unsupported == ["GIF": 2, "HEIC": 1, "video": 1])
    }
}
