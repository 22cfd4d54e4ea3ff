// Options of a scan to what is found, kept, and left alone.
import Engine
import Foundation
import Glibc
import Storage
import Synchronization
import TestSupport
import Testing

@Suite struct ScanOptionTests {
    func options(_ change: (inout IndexingOptions) -> Void) -> IndexingOptions {
        var options = IndexingOptions(jobs: 2)
        change(&options)
        return options
    }

    @Test func whatIsExcludedIsNeitherAddedNorRemoved() async throws {
        let pictures = try Pictures(["a.jpg": 1, "thumbs/b.jpg": 2, "c.tmp.jpg": 3])
        let excluding = options { $0.excludes = ["thumbs/", "*.tmp.jpg"] }
        #expect(try await pictures.update(excluding).counts == "1 added")
        #expect(try await pictures.update().counts == "2 added, 1 unchanged")
        try pictures.remove("thumbs")
        try pictures.remove("c.tmp.jpg")
        #expect(try await pictures.update(excluding).counts == "1 unchanged")
        #expect(try pictures.names() == ["a.jpg", "c.tmp.jpg", "thumbs/b.jpg"])
    }

    @Test func hiddenFoldersCountWhenNamedAndAreLeftAloneOtherwise() async throws {
        let pictures = try Pictures(["a.jpg": 1, ".trash/b.jpg": 2])
        let named = options { $0.folders = [pictures.folder.file(".trash")] }
        #expect(try await pictures.update(named).counts == "1 added")
        let summary = try await pictures.update()
        #expect(summary.counts == "1 added" && summary.notices.isEmpty, "\(summary.notices)")
        try pictures.remove(".trash/b.jpg")
        try pictures.write(3, ".trash/c.jpg")
        #expect(try await pictures.update(named).counts == "1 added, 1 removed")
    }

    @Test func linksAreFollowedOnRequestAndTheirItemsKeptWithoutIt() async throws {
        let outside = try TemporaryFolder()
        try Pictures.write(2, to: outside, "album/o.jpg")
        let pictures = try Pictures(["a.jpg": 1])
        symlink(outside.file("album"), pictures.folder.file("album"))
        symlink(outside.file("album/o.jpg"), pictures.folder.file("o.jpg"))
        #expect(try await pictures.update().counts == "1 added, 1 failed")
        let following = options { $0.followsLinks = true }
        let summary = try await pictures.update(following)
        #expect(summary.added + summary.copied == 2 && summary.unchanged == 1 && summary.failed == 0)
        let without = try await pictures.update()
        #expect(without.removed == 0 && without.notices.isEmpty && without.folderLinks == 1)
        #expect(try pictures.names() == ["a.jpg", "album/o.jpg", "o.jpg"])
        // The link's target is on a disk that is not there today.
        try FileManager.default.removeItem(atPath: outside.file("album"))
        #expect(try await pictures.update(following).removed == 0)
        #expect(try pictures.names() == ["a.jpg", "album/o.jpg", "o.jpg"])
    }

    @Test func filesOfAnyNameAreTakenOnRequestAndKeptWithoutIt() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.dat": 2, "c": 3])
        try pictures.folder.write("notes.txt", Array("notes".utf8))
        let all = options { $0.takesAllFiles = true }
        #expect(try await pictures.update(all).counts == "3 added")
        #expect(try await pictures.update().counts == "3 unchanged")
        try pictures.write(5, "b.dat")
        try pictures.touch("b.dat", 1_000_000_000)
        try pictures.remove("c")
        #expect(try await pictures.update().counts == "1 changed, 1 removed, 1 unchanged")
    }

    @Test func rehashingFindsWhatTimesHide() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2])
        try await pictures.update()
        // As if a file had been changed by somebody who puts all its times back: the catalogue lies about its content.
        let record = try #require(try pictures.records()["a.jpg"])
        var file = try #require(record.file)
        file.hash = [UInt8](repeating: 7, count: 32)
        var batch = Batch()
        batch.updates = [(record.id, record.name, file)]
        try IndexWriter(pictures.index.store).commit(batch)
        #expect(try await pictures.update().counts == "2 unchanged")
        #expect(try await pictures.update(options { $0.rehashes = true }).counts == "1 changed, 1 unchanged")
        #expect(try await pictures.update(options { $0.rehashes = true }).counts == "2 unchanged")
    }

    @Test func severalFoldersLimitTheScan() async throws {
        let pictures = try Pictures(["a/1.jpg": 1, "b/2.jpg": 2, "b/deep/3.jpg": 3, "c/4.jpg": 4])
        let two = options { $0.folders = ["a", "b/deep", "b"].map(pictures.folder.file) }
        #expect(try await pictures.update(two).counts == "3 added", "b/deep is not walked twice")
        try pictures.remove("a/1.jpg")
        try pictures.write(5, "a/5.jpg")
        #expect(try await pictures.update(two).counts == "1 added, 1 removed, 2 unchanged")
    }

    /// What was read too shortly after a change has time 0 in the catalogue, and is read again.
    @Test func whatMayHaveChangedInTheSameTickOfTheClockIsReadAgain() async throws {
        let pictures = try Pictures(["a.jpg": 1])
        try await pictures.update()
        let record = try #require(try pictures.records()["a.jpg"])
        var file = try #require(record.file)
        file.changed = 0
        var batch = Batch()
        batch.updates = [(record.id, record.name, file)]
        try IndexWriter(pictures.index.store).commit(batch)
        usleep(50_000)
        #expect(try await pictures.update().counts == "1 unchanged")
        let settled = try #require(try pictures.records()["a.jpg"]?.file)
        #expect(settled.changed > 0 && settled.hash == file.hash)
    }

    @Test func aPictureMovedIntoAScannedFolderKeepsItsIdentity() async throws {
        let pictures = try Pictures(["a/1.jpg": 1, "b/2.jpg": 2])
        try await pictures.update()
        let before = try pictures.item("a/1.jpg")
        pictures.move("a/1.jpg", "b/moved.jpg")
        let only = options { $0.folders = [pictures.folder.file("b")] }
        #expect(try await pictures.update(only).counts == "1 renamed, 1 unchanged")
        #expect(try pictures.item("b/moved.jpg") == before)
        #expect(try await pictures.update().counts == "2 unchanged")
    }

    // MARK: Devices

    /// Says that a folder was on another device when it was last indexed.
    func displace(_ folder: String, in pictures: Pictures) throws {
        var batch = Batch()
        batch.folders = [(Array(folder.utf8), 12_345)]
        try IndexWriter(pictures.index.store).commit(batch)
    }

    @Test(arguments: ["", "sub"]) func aFolderOnAnotherDeviceLosesNothingUnasked(folder: String) async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2, "sub/a.jpg": 3, "sub/b.jpg": 4])
        try await pictures.update()
        try displace(folder, in: pictures)
        let lost = folder.isEmpty ? "a.jpg" : "sub/a.jpg"
        try pictures.remove(lost)
        for _ in 0..<2 {
            let summary = try await pictures.update()
            #expect(summary.counts == "3 unchanged")
            #expect(summary.notices.map(\.path) == [Array(folder.utf8)])
            #expect(
                summary.notices.first?.reason.hasPrefix("on another device than before, and lacks 1 picture it held")
                    == true, "\(summary.notices)")
        }
        #expect(try await pictures.update(options { $0.deletesMissing = true }).counts == "1 removed, 3 unchanged")
        try pictures.remove("b.jpg")
        try pictures.remove("sub/b.jpg")
        try pictures.write(6, "sub/new.jpg")
        let adopted = try await pictures.update()
        #expect(adopted.counts == "1 added, 2 removed, 1 unchanged", "the new device is the folder's now")
    }

    @Test func aNewDeviceThatLacksNothingIsAdopted() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2])
        try await pictures.update()
        try displace("", in: pictures)
        #expect(try await pictures.update().notices.isEmpty)
        try pictures.remove("a.jpg")
        #expect(try await pictures.update().counts == "1 removed, 1 unchanged")
    }

    // MARK: Dry runs

    @Test func aDryRunCountsWhatARunDoesAndTouchesNothing() async throws {
        let pictures = try Pictures([
            "same.jpg": 1, "old.jpg": 2, "changing.jpg": 3, "going.jpg": 4, "sub/kept.jpg": 5, "broken.jpg": 6,
        ])
        try pictures.folder.write("broken.jpg", [1, 2, 3])
        try await pictures.update()
        pictures.move("old.jpg", "new.jpg")
        try pictures.write(1, "copy.jpg")
        try pictures.write(7, "changing.jpg")
        try pictures.touch("changing.jpg", 1_000_000_000)
        try pictures.remove("going.jpg")
        for name in ["added.jpg", "twin.jpg"] { try pictures.write(8, name) }
        try pictures.folder.write("bad.jpg", Array(Pictures.content(2).prefix(3_000)))
        // Takes over the content that changing.jpg gives up.
        try pictures.write(3, "heir.jpg")
        let before = try Self.listing(pictures.index.folder)
        let changes = Mutex<[IndexingChange]>([])
        var rehearsing = options { $0.isDryRun = true }
        rehearsing.report = { change in changes.withLock { $0.append(change) } }
        let dry = try await pictures.update(rehearsing)
        #expect(try Self.listing(pictures.index.folder) == before, "not a byte has changed")
        let real = try await pictures.update()
        #expect(dry.counts == real.counts)
        #expect(dry.total == real.total)
        #expect(dry.failures == real.failures)
        let seen = changes.withLock { $0 }
        #expect(seen.contains(.renamed(Array("old.jpg".utf8), to: Array("new.jpg".utf8))))
        #expect(seen.contains(.copied(Array("same.jpg".utf8), to: Array("copy.jpg".utf8))))
        #expect(seen.contains(.changed(Array("changing.jpg".utf8))))
        #expect(seen.contains(.removed(Array("going.jpg".utf8))))
        #expect(seen.count == dry.added + dry.changed + dry.renamed + dry.copied + dry.removed + dry.failed)
    }

    /// Every file of a folder and its bytes.
    static func listing(_ folder: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            files[name] = try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        return files
    }

    // MARK: What the catalogue knows

    @Test func captureTimesAndOrientationsAreKept() async throws {
        let pictures = try Pictures(["plain.jpg": 2])
        try pictures.folder.write("dated.jpg", DatedPicture.jpeg(Pictures.content(1)))
        try await pictures.update()
        let records = try pictures.records()
        let picture = try #require(records["dated.jpg"]?.file?.picture)
        #expect(
            picture
                == PictureRecord(
                    width: 320, height: 320, orientation: 6, taken: "2019-06-01T12:34:56", takenOffset: 120))
        #expect(records["plain.jpg"]?.file?.picture == PictureRecord(width: 320, height: 320))
        #expect(records.values.allSatisfy { $0.totalVariance > 0 })
        pictures.move("dated.jpg", "renamed.jpg")
        try pictures.folder.write("copy.jpg", DatedPicture.jpeg(Pictures.content(1)))
        try await pictures.update()
        let after = try pictures.records()
        #expect(after["renamed.jpg"]?.file?.picture == picture && after["copy.jpg"]?.file?.picture == picture)
    }
}
