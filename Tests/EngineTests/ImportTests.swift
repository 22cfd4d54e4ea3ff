// Files of vectors to items and back, bit for bit.
import Encoders
import Engine
import Foundation
import Gaussians
import Storage
import TestSupport
import Testing

@Suite struct ImportTests {
    /// Names of all sorts, no two alike.
    static func name(_ number: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        let parts: [[UInt8]] = [
            Array("a b/é.jpg".utf8), [0x0A], [0x00], [0xFF, 0xFE], Array("\"\\\"".utf8), Array("日本".utf8),
            [0x0D, 0x0A],
            [0x1B, 0x5B, 0x6D], Array("/abs".utf8),
        ]
        return parts[Int.random(in: 0..<parts.count, using: &generator)] + Array("\(number)".utf8)
            + parts[Int.random(in: 0..<parts.count, using: &generator)]
    }

    static func bits(_ rows: [[Float]]) -> [[UInt32]] { rows.map { $0.map(\.bitPattern) } }

    /// Exact names of a file.
    static func names(_ file: RowsFile) throws -> [[UInt8]] {
        if let exact = try file.list("names_base64") { return exact.map { Array(Data(base64Encoded: $0) ?? Data()) } }
        return try file.list("names")?.map { Array($0.utf8) } ?? []
    }

    @Test(arguments: [0, 1, 255, 256, 257, 700], [1, 2] as [UInt64])
    func whatIsImportedComesBackBitForBit(count: Int, seed: UInt64) async throws {
        let imports = try Imports()
        var generator = SeededGenerator(seed: seed &* 1_000 &+ UInt64(count))
        let gaussians = imports.gaussians(count, seed: seed)
        let names = (0..<count).map { Self.name($0, &generator) }
        let first = imports.folder.file("first.safetensors")
        // The limit is such that some of these runs write the names beside the file.
        let file = try EncodingFile(path: first, model: imports.model, maximumMetadataSize: 8_000)
        for (name, gaussian) in zip(names, gaussians) { try file.append(.picture(name), gaussian) }
        try file.finish()
        let summary = try await imports.index.importVectors(VectorFile(path: first), as: .images)
        #expect(summary.added == count && summary.total == count && !summary.wasInterrupted)
        let read = try imports.exported()
        #expect(Self.bits(read.means) == Self.bits(gaussians.map(\.mean)))
        #expect(Self.bits(read.logVariances) == Self.bits(gaussians.map(\.logVariance)))
        #expect(try Self.names(read) == names)
        #expect(try read.list("kinds") == Array(repeating: "image", count: count))
        #expect(read.metadata["encoding_id"] == imports.model.encodingID)
        #expect(read.metadata["model_fingerprint"] == imports.model.fingerprint)
        #expect(read.metadata["logit_scale"] == "\(imports.model.matchScale.scale)")
        #expect(try imports.index.verify().damages.isEmpty)
        // Once more through another index: the same file.
        let other = try Index.create(at: imports.folder.file("other"), root: imports.folder.path, model: imports.model)
        let out = imports.folder.file("out.safetensors")
        _ = try await other.importVectors(VectorFile(path: out), as: .images)
        _ = try other.exportVectors(to: imports.folder.file("again.safetensors"))
        let bytes = try ["out", "again"].map {
            try Data(contentsOf: URL(fileURLWithPath: imports.folder.file("\($0).safetensors")))
        }
        #expect(bytes[0] == bytes[1])
    }

    @Test func longNamesGoBesideTheFileAndComeBack() async throws {
        let imports = try Imports()
        let gaussians = imports.gaussians(3)
        let names: [[UInt8]] = [[0xFF, 0x0A], Array("b\"é".utf8), [0x00]]
        try await imports.take(imports.fixture(gaussians, ["x", "y", "z"]), source: "other")
        let path = imports.folder.file("rows.safetensors")
        let file = try EncodingFile(path: path, model: imports.model, maximumMetadataSize: 10)
        for (name, gaussian) in zip(names, gaussians) { try file.append(.picture(name), gaussian) }
        try file.finish()
        #expect(try RowsFile(path: path).metadata["names"] == nil)
        try await #expect(imports.index.importVectors(VectorFile(path: path), as: .images).counts == "3 added")
        let out = imports.folder.file("out.safetensors")
        _ = try imports.index.exportVectors(
            to: out, source: "import", in: [.images], maximumMetadataSize: 10, progress: { _ in })
        let lines = try ["rows", "out"].map {
            try String(contentsOfFile: imports.folder.file("\($0).safetensors.names.jsonl"), encoding: .utf8)
        }
        #expect(lines[0] == lines[1])
        #expect(
            lines[0] == """
                {"name":"\u{FFFD}\\n","name_base64":"/wo=","kind":"image"}
                {"name":"b\\"é","kind":"image"}
                {"name":"\\u0000","kind":"image"}

                """)
        let again = try await imports.index.importVectors(VectorFile(path: out), as: .images)
        #expect(again.counts == "3 unchanged")
        try imports.folder.write("out.safetensors.names.jsonl", Array(lines[0].replacing("b", with: "c").utf8))
        #expect(throws: ImportRefusal.self) { try VectorFile(path: out) }
    }

    @Test func importingAgainWritesNothing() async throws {
        let imports = try Imports()
        let fixture = try imports.fixture(imports.gaussians(300))
        try await #expect(imports.take(fixture).counts == "300 added")
        let before = try imports.index.status()
        try await #expect(imports.take(fixture).counts == "300 unchanged")
        let after = try imports.index.status()
        #expect(after.generation == before.generation && after.bytes == before.bytes)
    }

    @Test func aChangedVectorIsANewItem() async throws {
        let imports = try Imports()
        var fixture = try imports.fixture(imports.gaussians(300))
        try await imports.take(fixture)
        let before = try imports.pictures.results()
        let changed = imports.gaussians(2, seed: 9)
        fixture.gaussians[7] = changed[0]
        fixture.gaussians[299] = changed[1]
        fixture.gaussians.append(imports.gaussians(1, seed: 10)[0])
        fixture.metadata["names"] = try VectorFixture.json((0..<301).map { "p\($0).jpg" })
        fixture.metadata["kinds"] = nil
        try await #expect(imports.take(fixture).counts == "1 added, 2 changed, 298 unchanged")
        let after = try imports.pictures.results()
        #expect(after.count == 301)
        for (name, result) in before {
            let isKept = name != "p7.jpg" && name != "p299.jpg"
            #expect((after[name]?.item == result.item) == isKept, "\(name)")
        }
        #expect(try imports.index.status().deadSlots == 2)
        #expect(try imports.index.verify().damages.isEmpty)
        // In order of arrival: the changed ones come last.
        let read = try imports.exported()
        #expect(try read.list("names")?.suffix(3) == ["p7.jpg", "p299.jpg", "p300.jpg"])
        #expect(Self.bits(Array(read.means.suffix(3).prefix(2))) == Self.bits(changed.map(\.mean)))
    }

    @Test func equalRowsOfANameAreOneItem() async throws {
        let imports = try Imports()
        let rows = imports.gaussians(2)
        let fixture = try imports.fixture([rows[0], rows[1], rows[0], rows[0]], ["a", "b", "a", "a"])
        try await #expect(imports.take(fixture).counts == "2 added, 2 repeated")
        #expect(try imports.pictures.names() == ["a", "b"])
        try await #expect(imports.take(fixture).counts == "2 unchanged, 2 repeated")
    }

    @Test func halvesAreWidened() async throws {
        let imports = try Imports()
        var gaussians = imports.gaussians(5)
        var fixture = try imports.fixture(gaussians)
        fixture.types = ["mean": "F16", "log_variance": "F16"]
        try await imports.take(fixture)
        gaussians = gaussians.map { gaussian in
            func halved(_ values: [Float]) -> [Float] { values.map { VectorFixture.widened(VectorFixture.half($0)) } }
            return Gaussian(mean: halved(gaussian.mean), logVariance: halved(gaussian.logVariance))
        }
        let read = try imports.exported()
        #expect(Self.bits(read.means) == Self.bits(gaussians.map(\.mean)))
        #expect(Self.bits(read.logVariances) == Self.bits(gaussians.map(\.logVariance)))
        // One of each is also fine, and the same rows as F32 are no change.
        fixture.gaussians = gaussians
        fixture.types = ["mean": "F16", "log_variance": "F32"]
        try await #expect(imports.take(fixture).counts == "5 unchanged")
    }

    @Test func sourcesKeepToThemselves() async throws {
        let imports = try Imports()
        let rows = imports.gaussians(4)
        try await imports.take(imports.fixture(Array(rows[0..<2]), ["a", "b"]), source: "one")
        try await imports.take(imports.fixture(Array(rows[2..<4]), ["a", "b"]), source: "two")
        try await imports.take(imports.fixture([rows[0]], ["a dog"], kind: "text"), as: .texts, source: "two")
        #expect(try imports.exported(source: "one").means == rows[0..<2].map(\.mean))
        let two = try imports.exported(source: "two")
        #expect(two.means == [rows[2].mean, rows[3].mean, rows[0].mean])
        #expect(try two.list("kinds") == ["image", "image", "text"])
        #expect(try imports.exported(source: "two", in: [.texts]).list("names") == ["a dog"])
        #expect(try imports.exported(source: "").means.isEmpty, "the scan's source has no name")
        #expect(throws: ExportError.noSource("three", known: ["one", "two"])) { try imports.exported(source: "three") }
    }

    @Test func scansDoNotTouchImports() async throws {
        let imports = try Imports()
        try imports.pictures.write(1, "p0.jpg")
        try imports.pictures.write(2, "q.jpg")
        try await imports.pictures.update()
        let rows = imports.gaussians(2)
        try await imports.take(imports.fixture(rows, ["p0.jpg", "elsewhere/x.jpg"]))
        let summary = try await imports.pictures.update()
        #expect(summary.counts == "2 unchanged")
        try imports.pictures.remove("p0.jpg")
        let second = try await imports.pictures.update()
        #expect(second.counts == "1 removed, 1 unchanged")
        #expect(try imports.exported(source: "import").means == rows.map(\.mean))
        let found = try imports.index.search(near: rows[1], of: .images, limit: 1).results
        #expect(found.map(\.name) == ["elsewhere/x.jpg"])
        #expect(try imports.exported(source: "").list("names") == ["q.jpg"])
        #expect(try imports.exported().list("names") == ["q.jpg", "p0.jpg", "elsewhere/x.jpg"])
    }

    @Test func anInterruptedImportGoesOn() async throws {
        let imports = try Imports()
        let count = 30_000
        let rows = imports.gaussians(16)
        let fixture = try imports.fixture((0..<count).map { rows[$0 % 16] })
        let path = imports.folder.file("in.safetensors")
        try fixture.write(to: path)
        let index = imports.index
        let task = Task {
            let file = try VectorFile(path: path)
            let vectors = try await file.checked(as: .images)
            return try await index.importVectors(vectors) { _ in withUnsafeCurrentTask { $0?.cancel() } }
        }
        let summary = try await task.value
        #expect(summary.wasInterrupted && summary.added > 0 && summary.added < count, "\(summary.counts)")
        #expect(try index.status().images == summary.added)
        let next = try await imports.take(fixture)
        #expect(next.unchanged == summary.added && next.added == count - summary.added && !next.wasInterrupted)
        #expect(try index.status().images == count)
        #expect(try index.verify().damages.isEmpty)
        #expect(try imports.exported().means.count == count)
    }
}
