// The folders `vectors-<n>/` of an index folder: their names, their locks, and the end of those nobody needs.
import Foundation
import Glibc

/// Names, locks and removal of vectors' folders.
///
/// A reader holds a shared lock on the folder it reads, and reads its name in the catalogue again once it holds it. A
/// folder the catalogue does not name, and that can be locked exclusively, is therefore nobody's.
enum VectorsFolder {
    /// The files LMDB makes.
    static let files = ["data.mdb", "lock.mdb"]

    /// The number in a folder's name, or nil where it is no such name.
    static func number(_ name: String) -> Int? {
        guard name.hasPrefix("vectors-"), let number = Int(name.dropFirst(8)), number > 0, name == "vectors-\(number)"
        else { return nil }
        return number
    }

    /// The vectors' folders in an index folder, in order of their numbers.
    static func names(in folder: String) -> [String] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return entries.compactMap { name in number(name).map { ($0, name) } }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// The first name after all those in an index folder.
    static func next(in folder: String, after current: String) -> String {
        let numbers = (names(in: folder) + [current]).compactMap(number)
        return "vectors-\((numbers.max() ?? 0) + 1)"
    }

    /// Opens a folder and locks it at once or not at all.
    /// - Parameters:
    ///   - path: the folder.
    ///   - kind: `LOCK_SH` or `LOCK_EX`.
    /// - Returns: the descriptor that holds the lock until it is closed.
    /// - Throws: `StorageError.system`, also when another process is in the way or has just removed the folder.
    static func lock(_ path: String, _ kind: Int32) throws -> Int32 {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageError.lmdb(errno, "open", path) }
        var status = stat()
        guard flock(descriptor, kind | LOCK_NB) == 0, fstat(descriptor, &status) == 0 else {
            defer { close(descriptor) }
            throw StorageError.lmdb(errno, "lock", path)
        }
        guard status.st_nlink > 0 else {
            close(descriptor)
            throw StorageError.lmdb(ENOENT, "lock", path)
        }
        return descriptor
    }

    /// Removes a folder that no catalogue names and that nobody reads; what is not LMDB's in it stays, and it with it.
    /// - Returns: whether it is gone.
    @discardableResult
    static func removeIfUnused(_ path: String) -> Bool {
        guard Entry(path).isFolder, let descriptor = try? lock(path, LOCK_EX) else { return false }
        defer { close(descriptor) }
        for name in files { unlinkat(descriptor, name, 0) }
        return rmdir(path) == 0
    }
}

/// What lies at a path, links not followed.
struct Entry {
    private let status: stat?

    init(_ path: String) {
        var status = stat()
        self.status = lstat(path, &status) == 0 ? status : nil
    }

    /// Whether anything is there.
    var exists: Bool { status != nil }
    /// Whether it is a folder, and no link to one.
    var isFolder: Bool { status.map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }
    /// Whether it is ours: owned by whom this process runs as.
    var isOwn: Bool { status?.st_uid == geteuid() }
    /// Seconds since it last changed.
    var age: Int { status.map { time(nil) - $0.st_mtim.tv_sec } ?? 0 }
    /// Bytes, for a file.
    var size: Int { status.map { Int($0.st_size) } ?? 0 }
}
