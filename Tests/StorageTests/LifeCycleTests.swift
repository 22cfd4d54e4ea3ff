// Optimising, saving and ending an index folder, with readers looking on.
import Foundation
import Gaussians
import Glibc
import Storage
import TestSupport
import Testing

@Suite struct LifeCycleTests {
    let folder: TemporaryFolder
    let path: String
    let isRemoved = { (number: Int) in number % 3 == 1 || (300..<560).contains(number) }

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("index")
        try SyntheticIndex.make(at: path, count: 1_000, dimension: 24, removing: isRemoved)
    }

    func entries(_ path: String) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: path))
    }

    func isSame(
        _ a: [String: (id: ItemID, gaussian: Gaussian)], _ b: [String: (id: ItemID, gaussian: Gaussian)]
    ) -> Bool {
        a.count == b.count && a.allSatisfy { b[$0.key]?.id == $0.value.id && b[$0.key]?.gaussian == $0.value.gaussian }
    }

    @Test func optimizingKeepsWhatLivesAndGivesSpaceBack() throws {
        let store = try IndexStore(path: path)
        let before = try SyntheticIndex.content(store)
        let report = try IndexWriter(store).optimize()
        #expect(report.wasNeeded && report.deadSlots == (1...1_000).count(where: isRemoved) && !report.isOldStillRead)
        #expect(report.bytesAfter < report.bytesBefore)
        #expect(isSame(try SyntheticIndex.content(store), before), "the store goes on in the new folder")
        #expect(isSame(try SyntheticIndex.content(IndexStore(path: path)), before))
        #expect(try entries(path).filter { $0.hasPrefix("vectors") } == ["vectors-2"])
        let verified = try IndexStore(path: path).verify()
        #expect(verified.damages.isEmpty && verified.notices.isEmpty && verified.items == before.count)
        try store.read { snapshot in
            #expect(snapshot.state.generation == 3)
            let blocks = try snapshot.blocks(of: .images)
            #expect(blocks.map(\.count) == [256, before.count - 256])
            #expect(blocks.allSatisfy { $0.live.count == $0.count })
        }
        let again = try IndexWriter(store).optimize()
        #expect(!again.wasNeeded && again.deadSlots == 0)
        // The tail is rewritten and ids go on where they were.
        var generator = SeededGenerator(seed: 5)
        try SyntheticIndex.add([generator.gaussian(dimension: 24)], to: IndexWriter(store), firstName: 5_000)
        #expect(try SyntheticIndex.content(store)["5000"]?.id == ItemID(rawValue: 1_001))
        #expect(try IndexStore(path: path).verify().damages.isEmpty)
    }

    @Test func anEmptiedIndexIsOptimised() throws {
        let writer = try IndexWriter(IndexStore(path: path))
        #expect(try writer.remove(.scan) == (1...1_000).count { !isRemoved($0) })
        #expect(try writer.optimize().deadSlots == 1_000)
        let report = try IndexStore(path: path).verify()
        #expect(report.items == 0 && report.blocks == 0 && report.damages.isEmpty && report.notices.isEmpty)
    }

    @Test func aReaderKeepsTheOldFolderUntilItIsDone() throws {
        let reader = try IndexStore(path: path)
        let before = try SyntheticIndex.content(reader)
        try reader.read { snapshot in
            let report = try IndexWriter(IndexStore(path: path)).optimize()
            #expect(report.isOldStillRead)
            let live = try snapshot.blocks(of: .images).reduce(0) { $0 + $1.live.count }
            #expect(live == before.count && snapshot.state.vectors == "vectors-1")
            for block in try snapshot.blocks(of: .images) { #expect(try snapshot.view(block, of: .images).count > 0) }
        }
        #expect(try entries(path).isSuperset(of: ["vectors-1", "vectors-2"]))
        #expect(try IndexStore(path: path).verify().notices.count == 1)
        #expect(isSame(try SyntheticIndex.content(reader), before), "and reads the new one from then on")
        _ = try IndexWriter(IndexStore(path: path))
        #expect(try entries(path).filter { $0.hasPrefix("vectors") } == ["vectors-2"])
    }

    @Test func whatIsNotBegunOrNotFinishedLeavesNothing() throws {
        let before = try SyntheticIndex.content(IndexStore(path: path))
        struct Stop: Error {}
        let writer = try IndexWriter(IndexStore(path: path))
        #expect(throws: Stop.self) { try writer.optimize { done, _ in if done == 2 { throw Stop() } } }
        #expect(throws: Stop.self) {
            try IndexStore(path: path).backup(to: folder.file("copy"), root: [0x2F]) { done, _ in
                if done == 2 { throw Stop() }
            }
        }
        #expect(try entries(folder.path) == ["index"])
        #expect(try entries(path).filter { $0.hasPrefix("vectors") } == ["vectors-1"])
        #expect(isSame(try SyntheticIndex.content(IndexStore(path: path)), before))
    }

    @Test func leftoversAreRemovedByTheNextWriterUnlessHeld() throws {
        for name in [
            "index/vectors-2", "index/vectors-7", "index.creating-abc123/vectors-1", "index.creating-held00/vectors-1",
        ] {
            try folder.write("\(name)/data.mdb", [1, 2, 3])
        }
        try folder.write("index.creating-young0/catalog.sqlite", [1])
        try folder.write("index.creating-longer-name/data.mdb", [1])
        let held = open(folder.file("index/vectors-7"), O_RDONLY | O_DIRECTORY)
        let building = open(folder.file("index.creating-held00"), O_RDONLY | O_DIRECTORY)
        #expect(flock(held, LOCK_SH | LOCK_NB) == 0 && flock(building, LOCK_EX | LOCK_NB) == 0)
        let old = [timeval(tv_sec: 1_000_000, tv_usec: 0), timeval(tv_sec: 1_000_000, tv_usec: 0)]
        for name in ["abc123", "held00", "longer-name"] {
            #expect(utimes(folder.file("index.creating-\(name)"), old) == 0)
        }
        #expect(try IndexStore(path: path).verify().notices.count == 3)
        _ = try IndexWriter(IndexStore(path: path))
        let left = try entries(path).filter { $0.hasPrefix("vectors") }
        #expect(left == ["vectors-1", "vectors-7"])
        let stay: Set = ["index.creating-held00", "index.creating-young0", "index.creating-longer-name", "index"]
        #expect(try entries(folder.path) == stay)
        close(held)
        close(building)
        _ = try IndexWriter(IndexStore(path: path))
        #expect(try entries(path).filter { $0.hasPrefix("vectors") } == ["vectors-1"])
        #expect(try entries(folder.path) == stay.subtracting(["index.creating-held00"]))
    }

    @Test func aBackupIsOneGenerationWhateverIsWritten() throws {
        let store = try IndexStore(path: path)
        let before = try SyntheticIndex.content(store)
        let writer = try IndexWriter(IndexStore(path: path))
        var generator = SeededGenerator(seed: 6)
        var number = 2_000
        let report = try store.backup(to: folder.file("copy"), root: Array("/pictures".utf8)) { _, _ in
            try SyntheticIndex.add(
                (0..<40).map { _ in generator.gaussian(dimension: 24) }, to: writer, firstName: number)
            number += 40
        }
        #expect(report.items == before.count && report.generation == 2)
        let copy = try IndexStore(path: folder.file("copy"))
        #expect(isSame(try SyntheticIndex.content(copy), before))
        #expect(try copy.verify().damages.isEmpty)
        let state = try copy.readCatalogue { try Catalogue.state($0, path: "") }
        #expect(state.root == Array("/pictures".utf8) && state.vectors == "vectors-1")
        #expect(try SyntheticIndex.content(IndexStore(path: path)).count == before.count + 160)
        for (name, mode) in [
            ("", 0o700), ("/catalog.sqlite", 0o600), ("/vectors-1", 0o700), ("/vectors-1/data.mdb", 0o600),
        ] {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("copy") + name)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode, "\(name)")
        }
        #expect(throws: StorageError.exists(path: folder.file("copy"))) {
            try store.backup(to: folder.file("copy"), root: [])
        }
        // The copy is an index of its own.
        try SyntheticIndex.add([generator.gaussian(dimension: 24)], to: IndexWriter(copy), firstName: 9_000)
        #expect(try copy.verify().damages.isEmpty)
    }

    @Test func removalLeavesWhatIsNotOurs() throws {
        #expect(throws: StorageError.notAnIndex(path: folder.path)) { try IndexStore.remove(folder.path) }
        try folder.write("fake/catalog.sqlite", Array("someone's".utf8))
        #expect(throws: StorageError.notAnIndex(path: folder.file("fake"))) {
            try IndexStore.remove(folder.file("fake"))
        }
        let writer = try IndexWriter(IndexStore(path: path))
        #expect(throws: StorageError.busy(process: getpid())) { try IndexStore.remove(path) }
        withExtendedLifetime(writer) {}
    }

    @Test func removalOfADamagedIndexWithGuests() throws {
        try folder.write("index/notes.txt", [1])
        try folder.write("index/vectors-1/mine.bin", [1])
        try folder.write("index/catalog.sqlite", Array("damaged".utf8))
        try folder.write("elsewhere/data.mdb", [1])
        symlink(folder.file("elsewhere"), folder.file("index/vectors-9"))
        #expect(try IndexStore.remove(path) == ["notes.txt", "vectors-1", "vectors-9"])
        #expect(try entries(path) == ["notes.txt", "vectors-1", "vectors-9"])
        #expect(try entries(folder.file("index/vectors-1")) == ["mine.bin"])
        #expect(try entries(folder.file("elsewhere")) == ["data.mdb"], "links are not followed")
    }

    @Test func aSourceIsRemovedWhole() throws {
        let store = try IndexStore(path: path)
        let before = try SyntheticIndex.content(store)
        var generator = SeededGenerator(seed: 8)
        let source = Source(kind: .imported, name: "gpu")
        do {
            let writer = try IndexWriter(store)
            for collection in Collection.allCases {
                var batch = Batch()
                batch.collection = collection
                batch.source = source
                batch.additions = (0..<300).map {
                    NewItem(
                        name: Array("i\($0)".utf8), file: nil, vector: .gaussian(generator.gaussian(dimension: 24)))
                }
                try writer.commit(batch)
            }
            #expect(try store.readCatalogue { try Catalogue.counts($0).map(\.items) } == [before.count, 300, 300])
            #expect(try writer.remove(source) == 600)
        }
        #expect(isSame(try SyntheticIndex.content(store), before))
        #expect(try store.readCatalogue { try Catalogue.sources($0) } == [.scan])
        #expect(try store.verify().damages.isEmpty)
    }

    @Test func mountPointsTellTheFileSystem() {
        let mounts = """
            22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
            30 22 0:26 / /home/you rw - nfs4 server:/home rw
            31 22 0:27 / /home/you/my\\040disk rw shared:1 - fuse.sshfs you@there:/ rw
            32 22 0:28 / /tmp rw - tmpfs tmpfs rw
            33 22 0:29 / /tmp rw - ext4 /dev/sda rw
            """
        for (path, type, isNetwork) in [
            ("/home/me/.penumbra", "ext4", false), ("/home/you/.penumbra", "nfs4", true),
            ("/home/yours", "ext4", false),
            ("/home/you/my disk/x", "fuse.sshfs", true), ("/tmp/x", "ext4", false), ("/home/you", "nfs4", true),
        ] {
            #expect(FileSystem.type(of: path, mounts: mounts) == type, "\(path)")
            #expect(FileSystem(type: type).isNetwork == isNetwork)
        }
        #expect(FileSystem.type(of: "/x", mounts: "") == nil)
        #expect(FileSystem(of: "/proc/self").type == "proc")
    }
}
