// Files that appear, change, move and vanish to what becomes of their items (DESIGN, section 5).
import Engine
import Foundation
import TestSupport
import Testing

@Suite struct IdentityTests {
    @Test func newThenUnchanged() async throws {
        let pictures = try Pictures(["a.jpg": 1, "sub/b.jpg": 2])
        let first = try await pictures.update()
        #expect(first.counts == "2 added")
        #expect(first.total == 2 && first.found == 2 && !first.wasInterrupted)
        let generation = try pictures.index.status().generation
        let second = try await pictures.update()
        #expect(second.counts == "2 unchanged")
        #expect(second.total == 2)
        #expect(try pictures.index.status().generation == generation, "a run without changes commits nothing")
        #expect(try pictures.names() == ["a.jpg", "sub/b.jpg"])
    }

    @Test func storedGaussiansAreTheModels() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2])
        try await pictures.update()
        let model = try pictures.index.model()
        for (name, gaussian) in try pictures.gaussians() {
            #expect(try model.encode(pictureAt: pictures.folder.file(name)) == gaussian)
        }
    }

    @Test func aTouchedFileKeepsItsItem() async throws {
        let pictures = try Pictures(["a.jpg": 1])
        try await pictures.update()
        let before = try #require(try pictures.records()["a.jpg"])
        try pictures.touch("a.jpg", 1_000_000_000)
        #expect(try await pictures.update().counts == "1 unchanged")
        let after = try #require(try pictures.records()["a.jpg"])
        #expect(after.id == before.id && after.placement == before.placement)
        #expect(after.file?.modified == 1_000_000_000_000_000_000, "the new time is noted: the next run reads nothing")
        #expect(after.file?.picture.width == 320 && after.file?.picture.height == 320)
        #expect(try pictures.index.status().deadSlots == 0)
    }

    @Test func changedContentIsANewItem() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2])
        try await pictures.update()
        let before = try pictures.results()
        try pictures.write(3, "a.jpg")
        try pictures.touch("a.jpg", 1_000_000_000)
        #expect(try await pictures.update().counts == "1 changed, 1 unchanged")
        let after = try pictures.results()
        let ids = try [#require(before["a.jpg"]?.item), #require(before["b.jpg"]?.item)]
        #expect(try #require(after["a.jpg"]?.item) > #require(ids.max()), "an ItemID is never used again")
        #expect(after["b.jpg"]?.item == before["b.jpg"]?.item)
        #expect(try pictures.gaussians()["a.jpg"] == pictures.index.model().encode(pictureAt: pictures.root + "/a.jpg"))
        #expect(try pictures.index.status().deadSlots == 1)
        #expect(try await pictures.update().counts == "2 unchanged")
    }

    @Test func aRenamedFileKeepsItemAndGaussian() async throws {
        let pictures = try Pictures(["a.jpg": 1, "sub/stays.jpg": 3])
        try await pictures.update()
        let item = try pictures.item("a.jpg")
        let gaussian = try pictures.gaussians()["a.jpg"]
        pictures.move("a.jpg", "sub/z.jpg")
        #expect(try await pictures.update().counts == "1 renamed, 1 unchanged")
        #expect(try pictures.names() == ["sub/stays.jpg", "sub/z.jpg"])
        #expect(try pictures.item("sub/z.jpg") == item)
        #expect(try pictures.gaussians()["sub/z.jpg"] == gaussian)
        #expect(try await pictures.update().counts == "2 unchanged")
    }

    @Test func aChainOfRenamesLosesNothing() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2, "c.jpg": 3])
        try await pictures.update()
        let before = try pictures.gaussians()
        pictures.move("a.jpg", "z.jpg")
        pictures.move("b.jpg", "a.jpg")
        pictures.move("c.jpg", "b.jpg")
        try await pictures.update()
        let after = try pictures.gaussians()
        #expect(after.count == 3)
        #expect(after["z.jpg"] == before["a.jpg"])
        #expect(after["a.jpg"] == before["b.jpg"] && after["b.jpg"] == before["c.jpg"])
        #expect(try await pictures.update().counts == "3 unchanged")
    }

    @Test func aMovedFolderRenamesAllOfIt() async throws {
        let pictures = try Pictures(["old/a.jpg": 1, "old/b.jpg": 2, "c.jpg": 3])
        try await pictures.update()
        let items = try pictures.results()
        pictures.move("old", "new")
        #expect(try await pictures.update().counts == "2 renamed, 1 unchanged")
        let after = try pictures.results()
        #expect(after.keys.sorted() == ["c.jpg", "new/a.jpg", "new/b.jpg"])
        #expect(after["new/a.jpg"]?.item == items["old/a.jpg"]?.item)
        #expect(after["new/b.jpg"]?.item == items["old/b.jpg"]?.item)
        #expect(try pictures.index.status().deadSlots == 0)
        let record = try #require(try pictures.records()["new/a.jpg"])
        #expect(record.file?.picture.width == 320, "a rename keeps the size in pixels")
    }

    @Test func theLastPictureOfAFolderKeepsItsItemWhenItMoves() async throws {
        let pictures = try Pictures(["inbox/a.jpg": 1, "b.jpg": 2])
        try await pictures.update()
        let item = try pictures.item("inbox/a.jpg")
        pictures.move("inbox/a.jpg", "a.jpg")
        let summary = try await pictures.update()
        let moved = try pictures.item("a.jpg")
        #expect(summary.counts == "1 renamed, 1 unchanged")
        #expect(moved == item)
        #expect(summary.notices.isEmpty)
    }

    @Test func aRenameOntoAnIndexedNameEndsTheOverwrittenItem() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2])
        try await pictures.update()
        let moved = try pictures.item("b.jpg")
        pictures.move("b.jpg", "a.jpg")
        #expect(try await pictures.update().counts == "1 renamed")
        #expect(try pictures.names() == ["a.jpg"])
        #expect(try pictures.item("a.jpg") == moved)
    }

    @Test func aCopyReusesTheGaussian() async throws {
        let pictures = try Pictures(["a.jpg": 1])
        try await pictures.update()
        try pictures.write(1, "b.jpg")
        #expect(try await pictures.update().counts == "1 copied, 1 unchanged")
        let gaussians = try pictures.gaussians()
        #expect(gaussians["a.jpg"] == gaussians["b.jpg"])
        let results = try pictures.results()
        #expect(results["a.jpg"]?.item != results["b.jpg"]?.item)
        #expect(try pictures.records()["b.jpg"]?.file?.picture.width == 320)
    }

    @Test func equalNewFilesAreEncodedOnce() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 1, "c/d.jpg": 1, "e.jpg": 2])
        #expect(try await pictures.update().counts == "2 added, 2 copied")
        let gaussians = try pictures.gaussians()
        #expect(gaussians["a.jpg"] == gaussians["b.jpg"] && gaussians["a.jpg"] == gaussians["c/d.jpg"])
        #expect(gaussians["a.jpg"] != gaussians["e.jpg"])
        #expect(try await pictures.update().counts == "4 unchanged")
    }

    @Test func swappedContentsAreSwappedGaussians() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2])
        try await pictures.update()
        let before = try pictures.gaussians()
        pictures.move("a.jpg", "t")
        pictures.move("b.jpg", "a.jpg")
        pictures.move("t", "b.jpg")
        #expect(try await pictures.update().counts == "2 changed")
        let after = try pictures.gaussians()
        #expect(after["a.jpg"] == before["b.jpg"] && after["b.jpg"] == before["a.jpg"])
        #expect(try pictures.names() == ["a.jpg", "b.jpg"])
        #expect(try await pictures.update().counts == "2 unchanged")
    }

    @Test func aCopyOfContentThatIsOverwrittenInTheSameRunIsEncodedAgain() async throws {
        let pictures = try Pictures(["a.jpg": 1])
        try await pictures.update()
        let gaussian = try pictures.gaussians()["a.jpg"]
        try pictures.write(1, "copy.jpg")
        try pictures.write(2, "a.jpg")
        try pictures.touch("a.jpg", 1_000_000_000)
        let summary = try await pictures.update()
        #expect(summary.found == 2 && summary.changed == 1)
        #expect(try pictures.gaussians()["copy.jpg"] == gaussian)
        #expect(try await pictures.update().counts == "2 unchanged")
    }

    @Test func aRemovedFileEndsItsItem() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2])
        try await pictures.update()
        try pictures.remove("a.jpg")
        #expect(try await pictures.update().counts == "1 removed, 1 unchanged")
        #expect(try pictures.names() == ["b.jpg"])
        #expect(try pictures.index.status().deadSlots == 1)
    }
}
