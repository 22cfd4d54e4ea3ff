// Batches to a copy of the catalogue that is thrown away: what a run would do, without touching anything.
import Foundation
import GRDB
import Glibc

/// Takes batches as a writer does, and forgets them.
package final class Rehearsal: BatchSink {
    private let queue: DatabaseQueue
    private let path: String

    /// Copies the catalogue of an index into a private temporary database.
    /// - Throws: `StorageError` when the catalogue cannot be read or there is no room for temporary files.
    package init(_ store: IndexStore) throws {
        path = store.path
        queue = try IndexStore.naming(store.path) {
            let queue = try DatabaseQueue(path: "")
            try store.queue.backup(to: queue)
            return queue
        }
    }

    package func readCatalogue<T>(_ body: (Database) throws -> T) throws -> T {
        try IndexStore.naming(path) { try queue.read(body) }
    }

    /// Records a batch with the places its additions would take.
    package func commit(_ batch: Batch) throws {
        guard !batch.isEmpty else { return }
        try IndexStore.naming(path) {
            try queue.write { database in
                let next = try Catalogue.state(database, path: path).nextItemID.rawValue
                let slots = try Catalogue.slots(batch.collection, database)
                let size = GaussianCodec.slotsPerBlock
                let stored = batch.additions.indices.map { index in
                    StoredRow(
                        id: ItemID(rawValue: next + Int64(index)),
                        placement: Placement(block: (slots + index) / size, slot: (slots + index) % size),
                        totalVariance: 0)
                }
                try Catalogue.record(batch, stored, database)
            }
        }
    }
}
