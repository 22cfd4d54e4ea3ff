// One generation of an index to a copy of it elsewhere that opens as an index.
import Foundation
import GRDB
import Glibc

/// What a backup holds.
public struct BackupReport: Sendable, Equatable {
    /// Items.
    public var items = 0
    /// The generation that was copied.
    public var generation = 0
    /// Bytes of the copy.
    public var bytes = 0
}

extension IndexStore {
    /// Copies the generation of now, whatever is being written meanwhile: the catalogue by SQLite's backup inside one
    /// snapshot, and of the vectors exactly the slots of that snapshot, every checksum verified.
    ///
    /// The copy appears whole or not at all.
    /// - Parameters:
    ///   - destination: the index folder to be; nothing may be there.
    ///   - root: what the copy is told its root is, absolute: it does not lie in it.
    ///   - progress: called after every block with the blocks done and the blocks there are.
    /// - Returns: what was copied.
    /// - Throws: `StorageError.exists`, `.noRoom`, `.diskFull`, `.damagedBlock`, `.damagedCatalogue`; then nothing is left.
    package func backup(
        to destination: String, root: [UInt8], _ progress: (Int, Int) throws -> Void = { _, _ in }
    ) throws -> BackupReport {
        try read { snapshot in
            var report = BackupReport(generation: snapshot.state.generation)
            for collection in Collection.allCases { report.items += try snapshot.count(collection) }
            try Self.building(destination) { folder in
                let slots = try Collection.allCases.map { try Catalogue.slots($0, snapshot.database) }
                let needed = slots.reduce(0) { $0 + snapshot.vectors.bytes(slots: $1) }
                try DiskSpace.require(
                    needed + needed / 64 + 2 * Entry("\(path)/\(Self.catalogueName)").size + DiskSpace.margin,
                    at: folder)
                var state = snapshot.state
                state.root = root
                state.vectors = "vectors-1"
                try copyCatalogue(snapshot, state, to: "\(folder)/\(Self.catalogueName)")
                try copyVectors(snapshot, state, to: "\(folder)/\(state.vectors)", progress)
                report.bytes = IndexFiles(folder).size
            }
            return report
        }
    }

    private func copyCatalogue(_ snapshot: Snapshot, _ state: IndexState, to file: String) throws {
        try Self.makeCatalogue(file) { queue in
            try queue.writeWithoutTransaction { try snapshot.database.backup(to: $0) }
            try queue.write { database in
                let flaws = try String.fetchAll(database, sql: "PRAGMA integrity_check(1)")
                if let flaw = flaws.first, flaw != "ok" {
                    throw StorageError.damagedCatalogue(path: path, reason: flaw)
                }
                try database.execute(
                    sql: "UPDATE state SET root = ?, vectors = ?",
                    arguments: [state.root.map { Data($0) }, state.vectors])
            }
        }
    }

    private func copyVectors(
        _ snapshot: Snapshot, _ state: IndexState, to folder: String, _ progress: (Int, Int) throws -> Void
    ) throws {
        let target = try Self.makeVectors(folder, state)
        let blocks = try Collection.allCases.map { ($0, try Catalogue.blocks($0, snapshot.database)) }
        let total = blocks.reduce(0) { $0 + $1.1.count }
        var done = 0
        try target.environment.syncingOnce {
            try snapshot.vectors.copySpecialValues(to: target, snapshot.transaction)
            for (collection, blocks) in blocks {
                var packer = BlockPacker(collection, into: target)
                for block in blocks {
                    let columns = try snapshot.vectors.storedColumns(
                        collection, block.number, count: block.count, snapshot.transaction)
                    try packer.append(0..<block.count, of: columns)
                    done += 1
                    try progress(done, total)
                }
                try packer.finish()
            }
        }
        try Self.sync(folder)
    }
}
