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
        var status = stat()
        guard lstat(path, &status) != 0 else { throw StorageError.exists(path: path) }
        var template = Array("\(path).creating-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StorageError.lmdb(errno, "create", path) }
        let temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        do {
            try fill(temporary, state)
            guard rename(temporary, path) == 0 else {
                let reason = errno
                throw [EEXIST, ENOTEMPTY].contains(reason)
                    ? StorageError.exists(path: path) : StorageError.lmdb(reason, "create", path)
            }
            try sync((path as NSString).deletingLastPathComponent)
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw error
        }
        return try IndexStore(path: path)
    }

    private static func fill(_ folder: String, _ state: IndexState) throws {
        let vectors = "\(folder)/\(state.vectors)"
        guard mkdir(vectors, 0o700) == 0 else { throw StorageError.lmdb(errno, "create", vectors) }
        try VectorStore(path: vectors, dimension: state.dimension).setIdentity(state.uuid)
        let file = "\(folder)/\(catalogueName)"
        close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))  // SQLite keeps the mode, also for its -wal
        try naming(file) {
            let queue = try DatabaseQueue(path: file, configuration: configuration)
            try Catalogue.migrator { _ in preconditionFailure("a new catalogue names no vectors") }.migrate(queue)
            try queue.write { try Catalogue.insert(state, $0) }
            try queue.close()
        }
        for path in [file, vectors, folder] { try sync(path) }
    }

    /// Makes a file or a folder's entries durable.
    static func sync(_ path: String) throws {
        let descriptor = open(path.isEmpty ? "." : path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageError.lmdb(errno, "sync", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StorageError.lmdb(errno, "sync", path) }
    }
}
