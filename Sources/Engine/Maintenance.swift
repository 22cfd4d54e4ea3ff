// An index's life besides indexing and searching: optimised, saved, repaired, and ended.
import Corpus
import Glibc
import Storage

extension Index {
    /// Rewrites the vectors without the slots of items that are gone.
    ///
    /// Searches go on meanwhile, in this process and in others. A cancelled task leaves the index as it was.
    /// - Parameter progress: called after every block of vectors.
    /// - Returns: what was done.
    /// - Throws: an error when the index is busy, damaged, or there is not enough room for the new vectors.
    public func optimize(progress: (IndexingProgress) -> Void = { _ in }) throws -> OptimizationReport {
        try IndexWriter(store).optimize { done, total in
            try Task.checkCancellation()
            progress(IndexingProgress(done: done, total: total))
        }
    }

    /// Copies the index as it is now, while it may be written.
    ///
    /// The copy is an index that knows where the pictures are, wherever it lies itself. It appears whole or not at all.
    /// - Parameters:
    ///   - destination: the index folder to be; nothing may be there.
    ///   - progress: called after every block of vectors.
    /// - Returns: what was copied.
    /// - Throws: an error when something is there already, the index is damaged, or there is not enough room.
    public func backup(
        to destination: String, progress: (IndexingProgress) -> Void = { _ in }
    ) throws -> BackupReport {
        let place = try IndexLocation.future(destination)
        return try store.backup(to: place, root: Array(root.utf8)) { done, total in
            try Task.checkCancellation()
            progress(IndexingProgress(done: done, total: total))
        }
    }

    /// Sources that `forget(source:)` can remove, by name, with how many items each has.
    /// - Throws: an error when the catalogue cannot be read.
    public func removableSources() throws -> [String: Int] {
        try store.readCatalogue { database in
            var sources: [String: Int] = [:]
            for source in try Catalogue.sources(database) where source != .scan { sources[source.name] = 0 }
            for count in try Catalogue.counts(database) where count.source != .scan {
                sources[count.source.name, default: 0] += count.items
            }
            return sources
        }
    }

    /// Removes everything that came from a source: an import or a file of texts.
    /// - Parameter name: the source's name.
    /// - Returns: how many items it had.
    /// - Throws: `StorageError.unknownSource`; an error when the index is busy.
    public func forget(source name: String) throws -> Int {
        let writer = try IndexWriter(store)
        let sources = try store.readCatalogue { try Catalogue.sources($0) }.filter { $0 != .scan }
        let named = sources.filter { $0.name == name }
        guard !named.isEmpty else {
            throw StorageError.unknownSource(name, known: Set(sources.map(\.name)).sorted())
        }
        return try named.reduce(0) { try $0 + writer.remove($1) }
    }

    /// Removes an index, sound or damaged; nothing else that lies in its folder.
    /// - Parameter folder: the index folder.
    /// - Returns: what was left in the folder because it is no file of an index; empty when the folder is gone.
    /// - Throws: an error when it is no index or is busy.
    public static func forget(at folder: String) throws -> [String] {
        try IndexStore.remove(IndexLocation.absolute(folder) ?? folder)
    }

    /// Rebuilds a damaged index from what is sound.
    /// - Parameters:
    ///   - folder: the index folder.
    ///   - lost: called with each item whose vectors are lost.
    /// - Returns: what was done.
    /// - Throws: an error when it is no index, is busy, there is not enough room, or its catalogue is beyond repair.
    public static func repair(at folder: String, lost: (LostItem) -> Void) throws -> RepairReport {
        try IndexStore.repair(IndexLocation.absolute(folder) ?? folder, lost: lost)
    }
}

extension IndexLocation {
    /// The absolute path of something that is not there yet, in a folder that is.
    static func future(_ path: String) throws -> String {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let parts = trimmed.split(separator: "/")
        guard let name = parts.last, name != ".", name != ".." else { throw StorageError.exists(path: path) }
        let parent = trimmed.contains("/") ? Self.parent(of: trimmed) : "."
        let folder = try existing(parent)
        return folder == "/" ? "/\(name)" : "\(folder)/\(name)"
    }
}
