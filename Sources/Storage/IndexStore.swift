// An index folder to consistent snapshots for readers: the catalogue first, the vectors second.
import Foundation
import GRDB
import Glibc
import Gaussians
import Synchronization

/// An open index folder: the catalogue and the vectors it names.
package final class IndexStore: Sendable {
    /// The index folder.
    package let path: String
    let queue: DatabaseQueue
    /// Whether the index folder cannot be written, and is only read.
    package var isReadOnly: Bool { readOnlyCatalogue != nil }
    private let readOnlyCatalogue: ReadOnlyCatalogue?
    /// Whether that is because the disk is full.
    let isDiskFull: Bool
    private let phaseObserver = Mutex<(@Sendable (CommitPhase) -> Void)?>(nil)
    /// The vectors that were read last: while they are held, no writer removes them.
    private let held = Mutex<(name: String, vectors: VectorStore)?>(nil)
    private let blockCache = BlockCache()

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
        guard FileManager.default.fileExists(atPath: file) else {
            throw Self.isIndexFolder(path)
                ? StorageError.damagedCatalogue(path: path, reason: "it is missing") : .notAnIndex(path: path)
        }
        let mayWrite = isReadOnly.map(!) ?? (access(path, W_OK) == 0 && access(file, W_OK) == 0)
        let (catalogue, isDiskFull) = try Self.open(path, mayWrite: mayWrite)
        self.isDiskFull = isDiskFull
        switch catalogue {
        case .writable(let queue):
            self.queue = queue
            readOnlyCatalogue = nil
        case .readOnly(let catalogue):
            queue = catalogue.queue
            readOnlyCatalogue = catalogue
        }
        try Self.naming(file) { _ = try queue.read { try Catalogue.state($0, path: path) } }
    }

    private enum OpenCatalogue {
        case writable(DatabaseQueue)
        case readOnly(ReadOnlyCatalogue)
    }

    /// Opens the catalogue, migrated; read-only where it may not be written, or cannot be because the disk is full:
    /// SQLite's readers need some space too, for the memory they share.
    private static func open(_ path: String, mayWrite: Bool) throws -> (OpenCatalogue, isDiskFull: Bool) {
        let file = "\(path)/\(catalogueName)"
        func migrator(isReadOnly: Bool) -> DatabaseMigrator {
            Catalogue.migrator { state in
                try VectorStore(path: "\(path)/\(state.vectors)", dimension: state.dimension, isReadOnly: isReadOnly)
            }
        }
        func readOnly() throws -> OpenCatalogue {
            .readOnly(try naming(file) { try ReadOnlyCatalogue(folder: path, migrator: migrator(isReadOnly: true)) })
        }
        guard mayWrite else { return (try readOnly(), false) }
        do {
            return try naming(file) {
                let queue = try DatabaseQueue(path: file, configuration: configuration)
                // Newer formats are refused before they are touched.
                _ = try queue.read { try Catalogue.state($0, path: path) }
                let migrator = migrator(isReadOnly: false)
                if try !queue.read(migrator.hasCompletedMigrations) {
                    let lock = try WriterLock(path: "\(path)/\(lockName)")
                    try withExtendedLifetime(lock) { try migrator.migrate(queue) }
                }
                return (.writable(queue), false)
            }
        } catch StorageError.diskFull {
            return (try readOnly(), true)
        }
    }

    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { database in
            // A small cache is full at once: what a run takes does not depend on how long it goes on.
            // Write-ahead logging is a property of the file. GRDB's own `journalMode` would write, and sync four times, at
            // every opening: a search only reads.
            try database.execute(
                sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -1024")
        }
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
            if error.resultCode == .SQLITE_IOERR, DiskSpace.isExhausted(at: path) {
                throw StorageError.diskFull(path: path)
            }
            if error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB {
                throw StorageError.damagedCatalogue(path: path, reason: error.message ?? "\(error.resultCode)")
            }
            throw StorageError.system(
                path: path, operation: "catalogue", reason: error.message ?? "\(error.resultCode)")
        }
    }

    /// Runs `body` on one consistent generation: the catalogue's snapshot is taken first, the vectors' second, so that
    /// whatever the catalogue names is there.
    ///
    /// The folder of vectors is held before the snapshot that names it is taken: where `optimize` has put another in its
    /// place since the last reading, that one is held and a new snapshot is taken.
    /// - Throws: `StorageError`, or what `body` throws.
    package func read<T>(_ body: (Snapshot) throws -> T) throws -> T {
        for _ in 0..<Self.attempts {
            let result: T? = try Self.naming(path) {
                try queue.read { database in
                    let state = try Catalogue.state(database, path: path)
                    guard let vectors = held.withLock({ $0?.name == state.vectors ? $0?.vectors : nil }) else {
                        return nil
                    }
                    return try vectors.environment.read { transaction in
                        try body(
                            Snapshot(
                                state: state, database: database, vectors: vectors, transaction: transaction,
                                blockCache: blockCache))
                    }
                }
            }
            if let result { return result }
            try holdVectors()
        }
        throw StorageError.system(path: path, operation: "read", reason: "the vectors change faster than they are read")
    }

    /// So often the vectors may change their folder while someone tries to read them.
    private static let attempts = 20

    /// Holds the folder of vectors that the catalogue names now.
    private func holdVectors() throws {
        let state = try readCatalogue { try Catalogue.state($0, path: path) }
        do {
            let vectors = try VectorStore(
                path: "\(path)/\(state.vectors)", dimension: state.dimension, isReadOnly: isReadOnly)
            try vectors.checkIdentity(state.uuid)
            held.withLock { $0 = (state.vectors, vectors) }
        } catch {
            // Gone because it is no longer the index's? Then there is another; else that is the error.
            let now = try readCatalogue { try Catalogue.state($0, path: path).vectors }
            guard now != state.vectors else { throw error }
        }
    }

    /// Tells a test in which phase of a commit this process is.
    package func observePhases(_ body: @escaping @Sendable (CommitPhase) -> Void) {
        phaseObserver.withLock { $0 = body }
    }

    func enter(_ phase: CommitPhase) { phaseObserver.withLock { $0 }?(phase) }

    /// Lets go of the vectors, so that their folder can be removed once nobody else reads it.
    func releaseVectors() { held.withLock { $0 = nil } }

    /// Whether a folder holds a catalogue, or vectors that lack theirs.
    package static func isIndexFolder(_ path: String) -> Bool {
        access("\(path)/\(catalogueName)", F_OK) == 0 || !VectorsFolder.names(in: path).isEmpty
    }

    /// Runs `body` on the catalogue alone.
    package func readCatalogue<T>(_ body: (Database) throws -> T) throws -> T {
        try Self.naming(path) { try queue.read(body) }
    }
}

/// Where a commit is.
package enum CommitPhase: UInt8, Sendable {
    case outside = 0
    /// From the first write of vectors to their being durable.
    case vectors = 1
    /// From there to the end of the catalogue's commit.
    case catalogue = 2
}

/// One generation of an index, valid inside the closure that was handed it.
package struct Snapshot {
    /// What the index is.
    package let state: IndexState
    /// The catalogue, in its transaction.
    package let database: Database
    let vectors: VectorStore
    let transaction: LMDBTransaction
    let blockCache: BlockCache
    /// Per restricted collection and block, the slots that may answer.
    var restrictions: [Collection: [Int: LiveBitmap]] = [:]

    /// The blocks of a collection that hold live items, in order; of a restricted one, only the items that may answer.
    ///
    /// Read from the catalogue once a generation.
    package func blocks(of collection: Collection) throws -> [LiveBlock] {
        let blocks = try allBlocks(of: collection)
        guard let allowed = restrictions[collection] else { return blocks }
        return blocks.compactMap { block in
            guard let slots = allowed[block.number] else { return nil }
            let live = block.live.intersection(slots)
            return live.count > 0 ? LiveBlock(number: block.number, count: block.count, live: live) : nil
        }
    }

    /// The same, restricted or not.
    func allBlocks(of collection: Collection) throws -> [LiveBlock] {
        try blockCache.blocks(of: collection, state.generation) {
            try Catalogue.blocks(collection, database).filter { $0.live.count > 0 }
        }
    }

    /// How many blocks of a collection hold live items, whether a filter lets them through or not.
    package func blockCount(of collection: Collection) throws -> Int { try allBlocks(of: collection).count }

    /// A block's columns, in place.
    package func view(_ block: LiveBlock, of collection: Collection) throws -> BlockView {
        try vectors.view(collection, block, transaction)
    }

    /// What a collection's codes were made with, or nil where it has none that can be read.
    package func codeParameters(of collection: Collection) throws -> CodeParameters? {
        try vectors.codeParameters(collection, transaction)
    }

    /// Where the blocks of a collection that has codes lie; `readsMost` where the coarse codes of most will be read.
    package func pointers(
        of collection: Collection, _ parameters: CodeParameters, readsMost: Bool = true
    ) throws -> BlockPointers {
        try vectors.pointers(collection, parameters, readsMost: readsMost, transaction)
    }

    /// A block's columns, looked up once a generation.
    package func view(_ block: LiveBlock, of collection: Collection, _ pointers: BlockPointers) throws -> BlockView {
        try pointers.view(block) { try view(block, of: collection) }
    }

    /// The codes of a column above the coarse ones by block, nil where a search must do without: absent, of another version,
    /// made with other parameters, or contradicting their header.
    ///
    /// Mapped at once with `mapping`, for who reads most of them.
    package func codes(
        _ column: Column, of collection: Collection, _ parameters: CodeParameters, _ pointers: BlockPointers,
        mapping: Bool
    ) throws -> [UnsafeRawPointer?] {
        if mapping, pointers.claimsMapping(of: column) { try vectors.mapColumns([column], of: collection, transaction) }
        return try pointers.codes(column) { try vectors.codes(column, of: collection, parameters, transaction) }
    }

    /// Maps what searches read of some items only, once a state is searched often.
    package func mapRowsOnce(of collection: Collection, _ pointers: BlockPointers) throws {
        guard pointers.isSearchedOften else { return }
        let columns = [Column.fineCodes, .ids, .scalars].filter { pointers.claimsMapping(of: $0) }
        try vectors.mapColumns(columns, of: collection, transaction)
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

    /// Live items of a collection, by the catalogue's rows.
    package func count(_ collection: Collection) throws -> Int { try Catalogue.count(collection, database) }

    /// The same by its blocks, which a search reads anyway: counting rows reads all of the catalogue.
    package func slotCount(_ collection: Collection) throws -> Int {
        try allBlocks(of: collection).reduce(0) { $0 + $1.live.count }
    }
}

extension IndexStore {
    /// Bytes the files of the index take, what `repair` has kept included.
    package var size: Int { IndexFiles(path).size }

    /// Bytes the catalogue takes, its log included.
    package var catalogueSize: Int {
        ["", "-wal", "-shm"].reduce(0) { $0 + Entry("\(path)/\(Self.catalogueName)\($1)").size }
    }
}

/// The blocks of the generation that was read last.
final class BlockCache: Sendable {
    private let generations = Mutex<[Collection: (generation: Int, blocks: [LiveBlock])]>([:])

    /// The blocks of a generation, kept or read.
    func blocks(of collection: Collection, _ generation: Int, _ read: () throws -> [LiveBlock]) rethrows -> [LiveBlock]
    {
        if let kept = generations.withLock({ $0[collection] }), kept.generation == generation { return kept.blocks }
        let blocks = try read()
        generations.withLock { $0[collection] = (generation, blocks) }
        return blocks
    }
}
