// An index folder to consistent snapshots for readers: the catalogue first, the vectors second.
import Foundation
import GRDB
import Glibc
import Gaussians

/// An open index folder: the catalogue and the vectors it names.
package final class IndexStore: Sendable {
    /// The index folder.
    package let path: String
    let queue: DatabaseQueue
    /// Whether the index folder cannot be written, and is only read.
    package var isReadOnly: Bool { readOnlyCatalogue != nil }
    private let readOnlyCatalogue: ReadOnlyCatalogue?

    /// The catalogue's file name.
    package static let catalogueName = "catalog.sqlite"
    /// The writer lock's file name.
    package static let lockName = "writer.lock"

    /// Opens an index; the catalogue of an earlier version is migrated.
    /// - Parameters:
    ///   - path: the index folder.
    ///   - isReadOnly: never write there; the default asks the folder's permissions.
    /// - Throws: `StorageError.notAnIndex`, `.newerFormat`, `.busy` when it must be migrated and is being written,
    ///   or `.system`.
    package init(path: String, isReadOnly: Bool? = nil) throws {
        self.path = path
        let file = "\(path)/\(Self.catalogueName)"
        guard FileManager.default.fileExists(atPath: file) else { throw StorageError.notAnIndex(path: path) }
        let isWritable = isReadOnly.map(!) ?? (access(path, W_OK) == 0 && access(file, W_OK) == 0)
        let migrator = Catalogue.migrator { state in
            try VectorStore(path: "\(path)/\(state.vectors)", dimension: state.dimension, isReadOnly: !isWritable)
        }
        readOnlyCatalogue =
            isWritable ? nil : try Self.naming(file) { try ReadOnlyCatalogue(folder: path, migrator: migrator) }
        queue =
            try readOnlyCatalogue?.queue
            ?? Self.naming(file) { try DatabaseQueue(path: file, configuration: Self.configuration) }
        try Self.naming(file) {
            _ = try queue.read { try Catalogue.state($0, path: path) }  // refuses newer formats before it touches them
            guard isWritable, try !queue.read(migrator.hasCompletedMigrations) else { return }
            let lock = try WriterLock(path: "\(path)/\(Self.lockName)")
            try withExtendedLifetime(lock) { try migrator.migrate(queue) }
        }
    }

    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        return configuration
    }

    /// Turns SQLite's errors into ours, with the file's name.
    static func naming<T>(_ path: String, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as DatabaseError {
            if error.resultCode == .SQLITE_FULL { throw StorageError.diskFull(path: path) }
            if error.resultCode == .SQLITE_READONLY || error.resultCode == .SQLITE_CANTOPEN {
                throw StorageError.unwritable(path: path)
            }
            if error.resultCode == .SQLITE_NOTADB { throw StorageError.notAnIndex(path: path) }
            throw StorageError.system(
                path: path, operation: "catalogue", reason: error.message ?? "\(error.resultCode)")
        }
    }

    /// Runs `body` on one consistent generation: the catalogue's snapshot is taken first, the vectors' second, so that
    /// whatever the catalogue names is there.
    /// - Throws: `StorageError`, or what `body` throws.
    package func read<T>(_ body: (Snapshot) throws -> T) throws -> T {
        try Self.naming(path) {
            try queue.read { database in
                let state = try Catalogue.state(database, path: path)
                let vectors = try VectorStore(
                    path: "\(path)/\(state.vectors)", dimension: state.dimension, isReadOnly: isReadOnly)
                try vectors.checkIdentity(state.uuid)
                return try vectors.environment.read { transaction in
                    try body(Snapshot(state: state, database: database, vectors: vectors, transaction: transaction))
                }
            }
        }
    }

    /// Runs `body` on the catalogue alone.
    package func readCatalogue<T>(_ body: (Database) throws -> T) throws -> T {
        try Self.naming(path) { try queue.read(body) }
    }
}

/// One generation of an index, valid inside the closure that was handed it.
package struct Snapshot {
    /// What the index is.
    package let state: IndexState
    /// The catalogue, in its transaction.
    package let database: Database
    let vectors: VectorStore
    let transaction: LMDBTransaction

    /// The blocks of a collection that hold live items, in order.
    package func blocks(of collection: Collection) throws -> [LiveBlock] {
        try Catalogue.blocks(collection, database).filter { $0.live.count > 0 }
    }

    /// A block's columns, in place.
    package func view(_ block: LiveBlock, of collection: Collection) throws -> BlockView {
        try vectors.view(collection, block, transaction)
    }

    /// What a collection's codes were made with, or nil where it has none that can be read.
    package func codeParameters(of collection: Collection) throws -> CodeParameters? {
        try vectors.codeParameters(collection, transaction)
    }

    /// A block's codes in place, or nil where a search must do without them.
    package func codes(
        _ column: Column, _ block: LiveBlock, of collection: Collection, _ parameters: CodeParameters
    ) throws -> UnsafeRawPointer? {
        try vectors.derivedRows(collection, column, block.number, parameters, transaction)
    }

    /// Scans a collection's blocks in order, in place.
    package func forEachBlock(in collection: Collection, _ body: (BlockView) throws -> Void) throws {
        for block in try blocks(of: collection) { try body(view(block, of: collection)) }
    }

    /// The Gaussian at a placement.
    package func gaussian(_ collection: Collection, at placement: Placement) throws -> Gaussian {
        try vectors.gaussian(collection, placement, transaction)
    }

    /// An item by its id.
    package func item(_ id: ItemID) throws -> ItemRecord? { try Catalogue.item(id, database) }

    /// Live items of a collection.
    package func count(_ collection: Collection) throws -> Int { try Catalogue.count(collection, database) }
}

extension IndexStore {
    /// Bytes the catalogue and the vectors take on disk.
    package func size(vectors: String) -> Int {
        let names = [
            Self.catalogueName, "\(Self.catalogueName)-wal", "\(Self.catalogueName)-shm", "\(vectors)/data.mdb",
            "\(vectors)/lock.mdb",
        ]
        return names.reduce(0) { total, name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            return total + ((attributes?[.size] as? NSNumber)?.intValue ?? 0)
        }
    }
}
