// Gaussians to an index without any encoder.
import Gaussians
import Storage

/// Makes index folders of synthetic Gaussians.
package enum SyntheticIndex {
    /// The state of an empty index of that dimension.
    package static func state(dimension: Int) -> IndexState {
        IndexState(
            root: nil, model: "synthetic", modelFingerprint: "0", encodingID: "synthetic", dimension: dimension)
    }

    /// Commits Gaussians in one batch as pictures named by number.
    package static func add(_ gaussians: [Gaussian], to writer: IndexWriter, firstName: Int = 0) throws {
        var batch = Batch()
        batch.additions = gaussians.enumerated().map { index, gaussian in
            NewItem(name: Array("\(firstName + index)".utf8), file: nil, vector: .gaussian(gaussian))
        }
        try writer.commit(batch)
    }

    /// Makes an index of seeded Gaussians, and removes every item whose number, from 1, `isRemoved` says.
    package static func make(
        at path: String, count: Int, dimension: Int, seed: UInt64 = 1,
        removing isRemoved: (Int) -> Bool = { _ in false }
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let writer = try IndexWriter(IndexStore.create(at: path, state(dimension: dimension)))
        for start in stride(from: 0, to: count, by: 4_096) {
            let gaussians = (start..<min(start + 4_096, count)).map { _ in generator.gaussian(dimension: dimension) }
            try add(gaussians, to: writer, firstName: start)
        }
        var batch = Batch()
        batch.removals = (1...max(count, 1)).filter(isRemoved).map { ItemID(rawValue: Int64($0)) }
        try writer.commit(batch)
    }

    /// Every live picture by name: id and Gaussian.
    package static func content(_ store: IndexStore) throws -> [String: (id: ItemID, gaussian: Gaussian)] {
        try store.read { snapshot in
            var content: [String: (id: ItemID, gaussian: Gaussian)] = [:]
            for source in try Catalogue.sources(snapshot.database) {
                try Catalogue.forEachItem(.images, source, snapshot.database) { item in
                    content[String(decoding: item.name, as: UTF8.self)] = (
                        item.id, try snapshot.gaussian(.images, at: item.placement)
                    )
                }
            }
            return content
        }
    }
}
