// An empty index and files of vectors beside it: what the tests of import and export start from.
import Encoders
import Engine
import Foundation
import Gaussians
import Storage
import TestSupport
import Testing

/// A temporary folder with an index of the built-in model.
struct Imports {
    let pictures: Pictures
    var index: Index { pictures.index }
    var folder: TemporaryFolder { pictures.folder }
    let model: Model
    var dimension: Int { model.dimension }

    init() throws {
        model = try Model.builtin()
        pictures = try Pictures()
    }

    /// Gaussians as an encoder gives them.
    func gaussians(_ count: Int, seed: UInt64 = 1) -> [Gaussian] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in generator.gaussian(dimension: dimension) }
    }

    /// A file of the built-in model's encoding.
    func fixture(_ gaussians: [Gaussian], _ names: [String]? = nil, kind: String? = "image") throws -> VectorFixture {
        try VectorFixture(
            gaussians, names: names ?? gaussians.indices.map { "p\($0).jpg" }, kind: kind,
            encodingID: model.encodingID)
    }

    /// Writes a file and imports it.
    @discardableResult
    func take(
        _ fixture: VectorFixture, as collection: Engine.Collection = .images, source: String = Index.importSource,
        names: String? = nil, model: Model? = nil, into index: Index? = nil
    ) async throws -> ImportSummary {
        let path = folder.file("in.safetensors")
        try fixture.write(to: path)
        return try await (index ?? self.index).importVectors(
            VectorFile(path: path, names: names), as: collection, source: source, model: model)
    }

    /// What an import of a file complains of.
    func refusal(
        _ fixture: VectorFixture, as collection: Engine.Collection = .images, names: String? = nil,
        model: Model? = nil, into index: Index? = nil
    ) async throws -> ImportRefusal? {
        do {
            try await take(fixture, as: collection, names: names, model: model, into: index)
            return nil
        } catch let refusal as ImportRefusal {
            return refusal
        }
    }

    /// What an export gives.
    func exported(
        source: String? = nil, in collections: [Engine.Collection] = Collection.allCases, from index: Index? = nil
    ) throws -> RowsFile {
        let path = folder.file("out.safetensors")
        _ = try (index ?? self.index).exportVectors(to: path, source: source, in: collections)
        return try RowsFile(path: path)
    }

    /// An index whose model is nowhere.
    func orphaned(encodingID: String = "elsewhere", dimension: Int) throws -> Index {
        let path = folder.file("orphaned")
        _ = try IndexStore.create(
            at: path,
            IndexState(
                root: Array(folder.path.utf8), model: "/nowhere", modelFingerprint: "f", encodingID: encodingID,
                dimension: dimension))
        return try Index(at: path)
    }
}

extension ImportSummary {
    /// What was counted, zeros left out: "2 added, 1 unchanged".
    var counts: String {
        [(added, "added"), (changed, "changed"), (unchanged, "unchanged"), (repeated, "repeated")]
            .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}
