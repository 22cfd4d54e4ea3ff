// An empty folder's place to a complete index: built beside it, synced, and renamed into being.
import Foundation
import GRDB
import Glibc

extension IndexStore {
    /// Creates an empty index; it appears whole or not at all.
    /// - Parameters:
    ///   - path: the index folder to be.
    ///   - state: what the index is.
    /// - Returns: the new index, open.
    /// - Throws: `StorageError.exists` when something is there already; `.system`; `.diskFull`.
    package static func create(at path: String, _ state: IndexState) throws -> IndexStore {
        try building(path) { folder in
            try makeVectors("\(folder)/\(state.vectors)", state)
            try makeCatalogue("\(folder)/\(catalogueName)") { queue in
                try Catalogue.migrator { _ in preconditionFailure("a new catalogue names no vectors") }.migrate(queue)
                try queue.write { try Catalogue.insert(state, $0) }
            }
        }
        return try IndexStore(path: path)
    }

    /// Makes a folder appear whole: `fill` works on a temporary one beside it, which is synced and renamed.
    /// - Throws: `StorageError.exists` when something is there already; what `fill` throws: then nothing is left.
    static func building(_ path: String, _ fill: (String) throws -> Void) throws {
        guard !Entry(path).exists else { throw StorageError.exists(path: path) }
        LeftoverFolder.removeAll(beside: path)
        let temporary = try LeftoverFolder.make(beside: path)
        let lock = try VectorsFolder.lock(temporary, LOCK_EX)
        defer { close(lock) }
        do {
            try fill(temporary)
            try sync(temporary)
            guard rename(temporary, path) == 0 else {
                let reason = errno
                throw [EEXIST, ENOTEMPTY, ENOTDIR].contains(reason)
                    ? StorageError.exists(path: path) : StorageError.lmdb(reason, "create", path)
            }
            try sync((path as NSString).deletingLastPathComponent)
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw error
        }
    }

    /// Makes an empty folder of vectors that belongs to an index.
    @discardableResult
    static func makeVectors(_ path: String, _ state: IndexState) throws -> VectorStore {
        guard mkdir(path, 0o700) == 0 else { throw StorageError.lmdb(errno, "create", path) }
        let vectors = try VectorStore(path: path, dimension: state.dimension, isNew: true)
        try vectors.setIdentity(state.uuid)
        try sync(path)
        return vectors
    }

    /// Makes a catalogue's file, lets `fill` write it, and syncs it.
    static func makeCatalogue(_ file: String, _ fill: (DatabaseQueue) throws -> Void) throws {
        close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))  // SQLite keeps the mode, also for its -wal
        try naming(file) {
            let queue = try DatabaseQueue(path: file, configuration: configuration)
            try fill(queue)
            try queue.close()
        }
        try sync(file)
    }

    /// Makes a file or a folder's entries durable.
    static func sync(_ path: String) throws {
        let descriptor = open(path.isEmpty ? "." : path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageError.lmdb(errno, "sync", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StorageError.lmdb(errno, "sync", path) }
    }
}

/// The temporary folders in which indexes come into being, and what is left of them when their maker was killed.
enum LeftoverFolder {
    private static let infix = ".creating-"

    /// Makes a fresh one, 0700.
    static func make(beside path: String) throws -> String {
        var template = Array("\(path)\(infix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StorageError.lmdb(errno, "create", path) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Those beside an index folder that nobody is filling.
    ///
    /// Their makers hold a lock; a minute covers the time before they take it.
    static func all(beside path: String) -> [String] {
        let parent = (path as NSString).deletingLastPathComponent
        let prefix = (path as NSString).lastPathComponent + infix
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: parent.isEmpty ? "." : parent)) ?? []
        return entries.filter { $0.hasPrefix(prefix) && $0.count == prefix.count + 6 }.map { name in
            parent.isEmpty ? name : "\(parent)/\(name)"
        }.filter { path in
            let entry = Entry(path)
            guard entry.isFolder, entry.isOwn, entry.age > 60 else { return false }
            guard let lock = try? VectorsFolder.lock(path, LOCK_EX) else { return false }
            close(lock)
            return true
        }
    }

    /// Removes them.
    static func removeAll(beside path: String) {
        for leftover in all(beside: path) { _ = IndexFiles(leftover).remove() }
    }
}
