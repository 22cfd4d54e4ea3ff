// An index with dead slots to one without: the live rows go to a new folder of vectors, and the catalogue to it.
import GRDB
import Glibc

/// What an optimisation did.
public struct OptimizationReport: Sendable, Equatable {
    /// Slots of items that are gone, before.
    public var deadSlots = 0
    /// Bytes of the vectors, before.
    public var bytesBefore = 0
    /// Bytes of the vectors now.
    public var bytesAfter = 0
    /// Whether there was anything to do.
    public var wasNeeded = false
    /// Whether derived columns were missing or outdated and were made anew, where nothing else had to be done.
    public var madeCodes = false
    /// Whether the old vectors are still there because someone is reading them; the next writer removes them.
    public var isOldStillRead = false
}

extension IndexWriter {
    /// Rewrites the vectors without dead slots and unused pages.
    ///
    /// The new folder is written and synced beside the old; then one transaction of the catalogue switches the name, the
    /// blocks and the items' placements. Readers of the old folder keep it until they are done; killed at any moment,
    /// the index is the old or the new. Rows are streamed, each source block's checksum is verified.
    /// - Parameter progress: called after every block with the blocks done and the blocks there are.
    /// - Returns: what was done.
    /// - Throws: `StorageError.noRoom` before anything is written; `.diskFull`, `.damagedBlock` and `CancellationError`:
    ///   then the index is as it was.
    package func optimize(_ progress: (Int, Int) throws -> Void = { _, _ in }) throws -> OptimizationReport {
        let (state, blocks) = try readCatalogue { database in
            (
                try Catalogue.state(database, path: store.path),
                try Collection.allCases.map { ($0, try Catalogue.blocks($0, database)) }
            )
        }
        let old = "\(store.path)/\(state.vectors)"
        var report = OptimizationReport()
        let all = blocks.flatMap(\.1)
        let live = blocks.map { entry in entry.1.reduce(0) { $0 + $1.live.count } }
        let needed = live.reduce(0) { $0 + vectors.bytes(slots: $1) }
        report.deadSlots = all.reduce(0) { $0 + $1.count - $1.live.count }
        report.bytesBefore = Entry("\(old)/data.mdb").size
        report.bytesAfter = report.bytesBefore
        report.wasNeeded = report.deadSlots > 0 || report.bytesBefore > needed + needed / 8 + (1 << 20)
        guard report.wasNeeded else {
            report.madeCodes = try makeMissingCodes(blocks)
            return report
        }
        // The switch rewrites the catalogue's items, at worst all of them, through its log.
        let catalogue = Entry("\(store.path)/\(IndexStore.catalogueName)").size
        try DiskSpace.require(needed + needed / 64 + 2 * catalogue + DiskSpace.margin, at: store.path)
        let new = try rewrite(state, blocks, progress)
        adopt(new)
        report.bytesAfter = Entry("\(new.environment.path)/data.mdb").size
        report.isOldStillRead = Entry(old).exists
        return report
    }

    /// Makes the codes anew of a collection that lacks some, and half-precision variances where they are missing; searches go
    /// on meanwhile.
    private func makeMissingCodes(_ blocks: [(Collection, [LiveBlock])]) throws -> Bool {
        var made = false
        for (collection, blocks) in blocks {
            let slots = blocks.reduce(0) { $0 + $1.count }
            if try !vectors.hasAllCodes(collection, slots: slots) {
                try vectors.rebuildDerivedColumns(collection, slots: slots)
                made = true
            }
            if try vectors.makeMissingHalves(collection, slots: slots) > 0 { made = true }
        }
        return made
    }

    /// Writes the new folder and switches to it; what was written is removed where that fails.
    private func rewrite(
        _ state: IndexState, _ blocks: [(Collection, [LiveBlock])], _ progress: (Int, Int) throws -> Void
    ) throws -> VectorStore {
        let name = VectorsFolder.next(in: store.path, after: state.vectors)
        let folder = "\(store.path)/\(name)"
        do {
            store.enter(.vectors)
            defer { store.enter(.outside) }
            let target = try IndexStore.makeVectors(folder, state)
            let rows = try target.environment.syncingOnce { try copy(blocks, to: target, progress) }
            for path in [folder, store.path] { try IndexStore.sync(path) }
            store.enter(.catalogue)
            try IndexStore.naming(store.path) {
                try store.queue.write { database in
                    try Catalogue.adopt(
                        target, named: name, rows: rows, firstMoved: Self.firstMoved(blocks), database)
                }
            }
            return target
        } catch {
            VectorsFolder.removeIfUnused(folder)
            throw error
        }
    }

    private func copy(
        _ blocks: [(Collection, [LiveBlock])], to target: VectorStore, _ progress: (Int, Int) throws -> Void
    ) throws -> [Collection: Int] {
        let source = vectors
        var done = 0
        let total = blocks.reduce(0) { $0 + $1.1.count }
        var rows: [Collection: Int] = [:]
        try source.environment.read { transaction in
            try source.copySpecialValues(to: target, transaction)
            for (collection, blocks) in blocks {
                try source.putParameters(to: target, collection, blocks, transaction)
                var packer = BlockPacker(collection, into: target)
                for block in blocks {
                    let columns = try source.storedColumns(collection, block.number, count: block.count, transaction)
                    try packer.append((0..<block.count).filter { block.live[$0] }, of: columns)
                    done += 1
                    try progress(done, total)
                }
                try packer.finish()
                rows[collection] = packer.count
            }
        }
        return rows
    }

    /// How many rows of each collection come before the first dead slot: they stay where they are.
    private static func firstMoved(_ blocks: [(Collection, [LiveBlock])]) -> [Collection: Int] {
        var moved: [Collection: Int] = [:]
        for (collection, blocks) in blocks {
            var first = 0
            for block in blocks {
                let dead = (0..<block.count).first { !block.live[$0] }
                first += dead ?? block.count
                if dead != nil || block.count < GaussianCodec.slotsPerBlock { break }
            }
            moved[collection] = first
        }
        return moved
    }
}

/// How much room there is on a disk.
package enum DiskSpace {
    /// Bytes an ordinary user may still write where a path lies; nil where the system does not say.
    package static func available(at path: String) -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    /// What logs, locks and folders take besides.
    static let margin = 256 << 10

    /// Whether what just failed where a path lies can be blamed on the lack of space.
    ///
    /// There is none left, or a limit on the size of files is set (`ulimit -f`); LMDB and SQLite call both an I/O error
    /// at times.
    static func isExhausted(at path: String) -> Bool {
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max {
            return true
        }
        return available(at: path).map { $0 < 64 << 10 } ?? false
    }

    /// Makes sure of room before anything is begun.
    /// - Throws: `StorageError.noRoom`.
    static func require(_ needed: Int, at path: String) throws {
        guard let available = available(at: path), available < needed else { return }
        throw StorageError.noRoom(path: path, needed: needed, available: available)
    }
}
