// Index folders that move, are looked for, or belong to another model.
import Encoders
import Engine
import Foundation
import Glibc
import Storage
import TestSupport
import Testing

@Suite struct IndexFolderTests {
    @Test func anIndexThatMovesWithItsRootStillWorks() async throws {
        let pictures = try Pictures(["a.jpg": 1, "sub/b.jpg": 2])
        try await pictures.update()
        let other = try TemporaryFolder()
        let moved = other.file("moved")
        try FileManager.default.moveItem(atPath: pictures.root, toPath: moved)
        let index = try Index(at: moved + "/.penumbra")
        #expect(index.root == moved)
        #expect(try index.search("a lamp").results.count == 2)
        #expect(try await index.update().counts == "2 unchanged")
    }

    @Test func anIndexElsewhereIsReboundToAMovedRoot() async throws {
        let pictures = try Pictures(["a.jpg": 1])
        let other = try TemporaryFolder()
        let index = try Index.create(at: other.file("index"), root: pictures.root, model: .builtin())
        #expect(try await index.update().counts == "1 added")
        try FileManager.default.moveItem(atPath: pictures.root, toPath: other.file("moved"))
        #expect(throws: (any Error).self) { try index.rebind(root: other.file("nowhere")) }
        try index.rebind(root: other.file("moved"))
        let again = try Index(at: other.file("index"))
        #expect(again.root == other.file("moved"))
        #expect(try await again.update().counts == "1 unchanged")
    }

    @Test func anotherModelIsRefusedAndNamed() async throws {
        let pictures = try Pictures(["a.jpg": 1])
        try await pictures.update()
        let nano = try Model(folder: Fixtures.path("models/nano"))
        let expected = StorageError.foreignEncoding(
            got: nano.encodingID, expected: try pictures.index.model().encodingID)
        #expect(throws: expected) { try Index(at: pictures.index.folder, model: nano) }
        #expect(throws: expected) { try pictures.index.rebind(model: nano) }
        #expect(try pictures.index.status().model == Model.builtinName)
    }

    @Test func aModelOfPicturesAloneIndexesButDoesNotSearch() async throws {
        let folder = Fixtures.path("models/nano")
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2], model: try Model(folder: folder))
        #expect(try await pictures.update().counts == "2 added")
        #expect(try pictures.index.status().model == folder)
        let index = try Index(at: pictures.index.folder)
        let error = #expect(throws: (any Error).self) { try index.search("a dog") }
        #expect(error.map { "\($0)" }?.contains("no tokenizer.json") == true)
        let query = try index.model().encode(pictureAt: pictures.folder.file("b.jpg"))
        let results = try index.search(near: query, of: .images).results
        #expect(results.map(\.name) == ["b.jpg", "a.jpg"])
        #expect(results.allSatisfy { $0.matchProbability == nil })
    }

    @Test func aModelThatMovedIsNamedAnew() async throws {
        let elsewhere = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: Fixtures.path("models/nano"), toPath: elsewhere.file("model"))
        let pictures = try Pictures(["a.jpg": 1], model: try Model(folder: elsewhere.file("model")))
        try await pictures.update()
        try FileManager.default.moveItem(atPath: elsewhere.file("model"), toPath: elsewhere.file("moved"))
        let index = try Index(at: pictures.index.folder)
        #expect(throws: (any Error).self) { try index.model() }
        try index.rebind(model: try Model(folder: elsewhere.file("moved")))
        #expect(try await Index(at: pictures.index.folder).update().counts == "1 unchanged")
    }

    @Test func theNearestIndexIsFound() throws {
        let pictures = try Pictures(["a/b/c.jpg": 1])
        let folder = pictures.index.folder
        #expect(IndexLocation.find(upwardFrom: pictures.folder.file("a/b")) == folder)
        #expect(IndexLocation.find(upwardFrom: pictures.root) == folder)
        #expect(IndexLocation.find(upwardFrom: pictures.folder.file("gone")) == nil)
        mkdir(pictures.folder.file("a/.penumbra"), 0o700)
        #expect(IndexLocation.find(upwardFrom: pictures.folder.file("a/b")) == folder, "an empty folder is no index")
        #expect(IndexLocation.find(upwardFrom: "/") == nil)
    }

    @Test func aNamedIndexIsTheFolderOrItsRoot() throws {
        let pictures = try Pictures()
        #expect(IndexLocation.named(pictures.root) == pictures.index.folder)
        #expect(IndexLocation.named(pictures.index.folder) == pictures.index.folder)
        #expect(IndexLocation.named(pictures.folder.file("none")) == pictures.folder.file("none"))
        #expect(throws: StorageError.notAnIndex(path: pictures.folder.file("none"))) {
            try Index(at: pictures.folder.file("none"))
        }
    }

    @Test func aLinkToARootLeadsToTheSameIndex() async throws {
        let pictures = try Pictures(["a.jpg": 1])
        let other = try TemporaryFolder()
        symlink(pictures.root, other.file("link"))
        let index = try Index(at: other.file("link/.penumbra"))
        #expect(index.folder == pictures.index.folder && index.root == pictures.index.root)
        #expect(try await index.update().counts == "1 added")
    }

    @Test func anIndexMayNotLieWhereSomethingIs() throws {
        let pictures = try Pictures()
        #expect(throws: StorageError.exists(path: pictures.index.folder)) {
            try Index.create(at: pictures.index.folder, root: pictures.root, model: .builtin())
        }
        #expect(throws: (any Error).self) {
            try Index.create(at: pictures.folder.file("a/b/index"), root: pictures.root, model: .builtin())
        }
    }

    @Test func aSecondWriterIsTurnedAway() async throws {
        let pictures = try Pictures(["a.jpg": 1])
        let writer = try IndexWriter(IndexStore(path: pictures.index.folder))
        await #expect(throws: StorageError.busy(process: getpid())) { try await pictures.update() }
        withExtendedLifetime(writer) {}
        #expect(try pictures.index.search("x").results.isEmpty, "readers do not wait for a writer")
    }
}
