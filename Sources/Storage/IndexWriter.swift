// Batches of changes to commits: vectors first, then the catalogue, which alone decides what counts.
import GRDB
import Gaussians

/// An item to add.
package struct NewItem: Sendable {
    /// Where its Gaussian comes from.
    package enum Vector: Sendable {
        /// Newly encoded.
        case gaussian(Gaussian)
        /// The same content as a stored item: its rows are copied.
        case copy(of: ItemID)
    }
    package var name: [UInt8]
    package var file: FileRecord?
    package var vector: Vector

    package init(name: [UInt8], file: FileRecord?, vector: Vector) {
        self.name = name
        self.file = file
        self.vector = vector
    }
}

/// Changes that become visible together.
package struct Batch: Sendable {
    package var collection: Collection = .images
    package var source: Source = .scan
    /// Ends of items.
    package var removals: [ItemID] = []
    /// Items that keep their vectors and get another name or other times.
    package var updates: [(id: ItemID, name: [UInt8], file: FileRecord)] = []
    /// New items; an old item of the same name must be among the removals.
    package var additions: [NewItem] = []
    /// Files that failed.
    package var failures: [FailureRecord] = []
    /// Names whose remembered failure no longer holds.
    package var recovered: [[UInt8]] = []

    package init() {}

    /// Whether there is nothing to commit.
    package var isEmpty: Bool {
        removals.isEmpty && updates.isEmpty && additions.isEmpty && failures.isEmpty && recovered.isEmpty
    }
}

/// The one writer of an index, holding its lock.
package final class IndexWriter: Sendable {
    private let store: IndexStore
    private let vectors: VectorStore
    private let lock: WriterLock
    /// Blocks of an interrupted run that were removed on opening.
    package let orphanedBlocks: Int

    /// Takes the writer lock and removes what an interrupted run left beyond the catalogue.
    /// - Throws: `StorageError.busy`, `.foreignVectors`, `.system`.
    package init(_ store: IndexStore) throws {
        self.store = store
        lock = try WriterLock(path: "\(store.path)/\(IndexStore.lockName)")
        let (state, slots) = try store.readCatalogue { database in
            (
                try Catalogue.state(database, path: store.path),
                try Collection.allCases.map { ($0, try Catalogue.slots($0, database)) }
            )
        }
        let vectors = try VectorStore(path: "\(store.path)/\(state.vectors)", dimension: state.dimension)
        try vectors.checkIdentity(state.uuid)
        self.vectors = vectors
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
        let ids = batch.additions.indices.map { ItemID(rawValue: next + Int64($0)) }
        var placements: [Placement] = []
        if !batch.additions.isEmpty {
            placements = try vectors.environment.write { transaction in
                let gaussians = try batch.additions.map { item in
                    switch item.vector {
                    case .gaussian(let gaussian): gaussian
                    case .copy(let id): try self.copy(id, sources, batch.collection, transaction)
                    }
                }
                return try vectors.append(
                    Array(zip(ids, gaussians)), to: batch.collection, after: slots, transaction)
            }
        }
        try IndexStore.naming(store.path) {
            try store.queue.write { database in
                try self.record(batch, ids: ids, placements: placements, database)
                try Catalogue.advance(to: ItemID(rawValue: next + Int64(ids.count)), database)
            }
        }
    }

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
        _ id: ItemID, _ placements: [ItemID: Placement], _ collection: Collection, _ transaction: LMDBTransaction
    ) throws -> Gaussian {
        guard let placement = placements[id] else {
            throw StorageError.system(path: store.path, operation: "copy", reason: "item \(id.rawValue) is gone")
        }
        return try vectors.gaussian(collection, placement, transaction)
    }

    /// Writes a batch into the catalogue.
    private func record(_ batch: Batch, ids: [ItemID], placements: [Placement], _ database: Database) throws {
        var blocks: [Int: LiveBlock] = [:]
        func change(_ number: Int, _ body: (inout LiveBlock) -> Void) throws {
            var block =
                try blocks[number] ?? Catalogue.block(batch.collection, number, database)
                ?? LiveBlock(number: number, count: 0, live: LiveBitmap())
            body(&block)
            blocks[number] = block
        }
        for id in batch.removals {
            guard let item = try Catalogue.item(id, database) else { continue }
            try change(item.placement.block) { $0.live[item.placement.slot] = false }
            try Catalogue.delete(id, database)
        }
        for update in batch.updates {
            try Catalogue.update(update.id, name: update.name, file: update.file, database)
        }
        for (index, item) in batch.additions.enumerated() {
            let placement = placements[index]
            try change(placement.block) {
                $0.live[placement.slot] = true
                $0.count = max($0.count, placement.slot + 1)
            }
            let record = ItemRecord(id: ids[index], name: item.name, file: item.file, placement: placement)
            try Catalogue.insert(record, batch.collection, batch.source, database)
        }
        for block in blocks.values { try Catalogue.set(block, batch.collection, database) }
        for name in batch.recovered { try Catalogue.forgetFailure(name, batch.source, database) }
        for failure in batch.failures { try Catalogue.remember(failure, batch.source, database) }
    }
}
