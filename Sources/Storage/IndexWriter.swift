// Batches of changes to commits: vectors first, then the catalogue, which alone decides what counts.
import GRDB
import Gaussians
import Synchronization

/// The one writer of an index, holding its lock.
package final class IndexWriter: BatchSink {
    let store: IndexStore
    private let open: Mutex<VectorStore>
    private let lock: WriterLock
    /// The vectors that are written to.
    var vectors: VectorStore { open.withLock { $0 } }
    /// Blocks of an interrupted run that were removed on opening.
    package let orphanedBlocks: Int

    /// Takes the writer lock and removes what interrupted runs left: blocks beyond the catalogue, folders of vectors that
    /// it does not name and nobody reads, and unfinished indexes beside this one.
    /// - Throws: `StorageError.busy`, `.foreignVectors`, `.system`.
    package init(_ store: IndexStore) throws {
        self.store = store
        guard !store.isDiskFull else { throw StorageError.diskFull(path: store.path) }
        lock = try WriterLock(path: "\(store.path)/\(IndexStore.lockName)")
        let (state, slots) = try store.readCatalogue { database in
            (
                try Catalogue.state(database, path: store.path),
                try Collection.allCases.map { ($0, try Catalogue.slots($0, database)) }
            )
        }
        let vectors = try VectorStore(path: "\(store.path)/\(state.vectors)", dimension: state.dimension)
        try vectors.checkIdentity(state.uuid)
        open = Mutex(vectors)
        for name in VectorsFolder.names(in: store.path) where name != state.vectors {
            VectorsFolder.removeIfUnused("\(store.path)/\(name)")
        }
        LeftoverFolder.removeAll(beside: store.path)
        let perBlock = GaussianCodec.slotsPerBlock
        orphanedBlocks = try vectors.environment.write { transaction in
            try slots.reduce(0) { removed, entry in
                let first = (entry.1 + perBlock - 1) / perBlock
                return removed + (try vectors.removeBlocks(entry.0, from: first, transaction))
            }
        }
    }

    /// Makes a batch durable and visible: the vectors are committed and synced first, then the catalogue.
    /// - Throws: `StorageError`; then nothing of the batch is visible.
    package func commit(_ batch: Batch) throws {
        guard !batch.isEmpty else { return }
        let (next, slots) = try store.readCatalogue { database in
            (
                try Catalogue.state(database, path: store.path).nextItemID.rawValue,
                try Catalogue.slots(batch.collection, database)
            )
        }
        let sources = try copiedItems(batch)
        let vectors = vectors
        var stored: [StoredRow] = []
        if !batch.additions.isEmpty {
            let ids = batch.additions.indices.map { ItemID(rawValue: next + Int64($0)) }
            store.enter(.vectors)
            stored = try vectors.environment.write { transaction in
                let gaussians = try batch.additions.map { item in
                    switch item.vector {
                    case .gaussian(let gaussian): gaussian
                    case .copy(let id): try self.copy(id, sources, batch.collection, vectors, transaction)
                    case .unencoded: preconditionFailure("only a rehearsal takes what is not encoded")
                    }
                }
                let placements = try vectors.append(
                    Array(zip(ids, gaussians)), to: batch.collection, after: slots, transaction)
                return batch.additions.indices.map {
                    StoredRow(id: ids[$0], placement: placements[$0], totalVariance: gaussians[$0].totalVariance)
                }
            }
        }
        store.enter(.catalogue)
        defer { store.enter(.outside) }
        try IndexStore.naming(store.path) {
            try store.queue.write { try Catalogue.record(batch, stored, $0) }
        }
    }

    /// Goes on with other vectors, which the catalogue names by now; those before are removed unless someone reads them.
    func adopt(_ vectors: VectorStore) {
        let old = open.withLock { open in
            defer { open = vectors }
            return open.environment.path
        }
        store.releaseVectors()
        VectorsFolder.removeIfUnused(old)
    }

    /// Runs `body` on the catalogue as it is between commits.
    package func readCatalogue<T>(_ body: (Database) throws -> T) throws -> T { try store.readCatalogue(body) }

    /// Says where the model and the root lie now; nil leaves either.
    package func rebind(model: String?, root: [UInt8]?) throws {
        try IndexStore.naming(store.path) {
            try store.queue.write { database in
                if let model { try Catalogue.setModel(model, database) }
                if let root { try Catalogue.setRoot(root, database) }
            }
        }
    }

    /// The placements of the items that additions copy.
    private func copiedItems(_ batch: Batch) throws -> [ItemID: Placement] {
        try store.readCatalogue { database in
            var placements: [ItemID: Placement] = [:]
            for case .copy(let id) in batch.additions.map(\.vector) {
                placements[id] = try Catalogue.item(id, database)?.placement
            }
            return placements
        }
    }

    private func copy(
        _ id: ItemID, _ placements: [ItemID: Placement], _ collection: Collection, _ vectors: VectorStore,
        _ transaction: LMDBTransaction
    ) throws -> Gaussian {
        guard let placement = placements[id] else {
            throw StorageError.system(path: store.path, operation: "copy", reason: "item \(id.rawValue) is gone")
        }
        return try vectors.gaussian(collection, placement, transaction)
    }
}
