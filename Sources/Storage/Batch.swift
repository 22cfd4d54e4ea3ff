// What becomes visible together: a batch of changes, and how the catalogue records it.
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
        /// Not encoded: in a rehearsal.
        case unencoded
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
    /// Scanned folders that hold items, and the device each is on; nil forgets a folder.
    package var folders: [(path: [UInt8], device: Int?)] = []

    /// What a file of texts says besides its texts.
    package var texts = TextChanges()

    package init() {}

    /// Whether there is nothing to commit.
    package var isEmpty: Bool {
        removals.isEmpty && updates.isEmpty && additions.isEmpty && failures.isEmpty && recovered.isEmpty
            && folders.isEmpty && texts.isEmpty
    }
}

/// A catalogue that can be read.
package protocol CatalogueReader: Sendable {
    /// Runs `body` on the catalogue with all batches committed so far.
    func readCatalogue<T>(_ body: (Database) throws -> T) throws -> T
}

/// Where batches go: into an index, or nowhere.
package protocol BatchSink: CatalogueReader {
    /// Makes a batch durable and visible.
    func commit(_ batch: Batch) throws
}

extension IndexStore: CatalogueReader {}

/// Where an addition's rows were stored.
struct StoredRow {
    let id: ItemID
    let placement: Placement
    let totalVariance: Double
}

extension Catalogue {
    /// Writes a batch into the catalogue and begins the next generation; `stored` says where its additions lie.
    static func record(_ batch: Batch, _ stored: [StoredRow], _ database: Database) throws {
        var blocks: [Int: LiveBlock] = [:]
        func change(_ number: Int, _ body: (inout LiveBlock) -> Void) throws {
            var block =
                try blocks[number] ?? Catalogue.block(batch.collection, number, database)
                ?? LiveBlock(number: number, count: 0, live: LiveBitmap())
            body(&block)
            blocks[number] = block
        }
        for id in batch.removals {
            guard let item = try item(id, database) else { continue }
            try change(item.placement.block) { $0.live[item.placement.slot] = false }
            try delete(id, database)
        }
        for change in batch.updates { try update(change.id, name: change.name, file: change.file, database) }
        let source = try identify(batch.source, database)
        for (item, row) in zip(batch.additions, stored) {
            try change(row.placement.block) {
                $0.live[row.placement.slot] = true
                $0.count = max($0.count, row.placement.slot + 1)
            }
            let record = ItemRecord(
                id: row.id, name: item.name, file: item.file, placement: row.placement,
                totalVariance: row.totalVariance)
            try insert(record, batch.collection, source: source, database)
        }
        for block in blocks.values { try set(block, batch.collection, database) }
        try record(batch.texts, source: source, database)
        for name in batch.recovered { try forgetFailure(name, source: source, database) }
        for failure in batch.failures { try remember(failure, source: source, database) }
        for folder in batch.folders {
            if let device = folder.device {
                try set(device: device, of: folder.path, database)
            } else {
                try forgetFolder(folder.path, database)
            }
        }
        let next =
            try stored.last.map { ItemID(rawValue: $0.id.rawValue + 1) }
            ?? state(database, path: "").nextItemID
        try advance(to: next, database)
    }
}
