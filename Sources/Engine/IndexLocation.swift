// A folder someone names to the index that serves it, the way git finds its own.
import Corpus
import Glibc
import Storage

/// Finds index folders.
public enum IndexLocation {
    /// The index folder's name inside a root.
    public static let folderName = ".penumbra"

    /// The nearest index folder at or above a folder, or nil.
    /// - Parameter folder: any path to an existing folder.
    /// - Returns: the index folder's absolute path.
    public static func find(upwardFrom folder: String) -> String? {
        guard var current = resolve(folder) else { return nil }
        while true {
            // Folders further down may have names that are no UTF-8; the one with the index must not.
            if let name = String(validating: current, as: UTF8.self) {
                let candidate = name == "/" ? "/\(folderName)" : "\(name)/\(folderName)"
                if isIndexFolder(candidate) { return candidate }
            }
            guard current != [0x2F], let slash = current.lastIndex(of: 0x2F) else { return nil }
            current = slash == 0 ? [0x2F] : Array(current[..<slash])
        }
    }

    /// Whether a folder is an index folder, be it a damaged one.
    public static func isIndexFolder(_ folder: String) -> Bool { IndexStore.isIndexFolder(folder) }

    /// Whether a path is a folder.
    public static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// What a person who writes `--index PATH` means: an index folder, or a root that holds one.
    public static func named(_ path: String) -> String {
        let inside = "\(path)/\(folderName)"
        return !isIndexFolder(path) && isIndexFolder(inside) ? inside : path
    }

    /// The absolute path without links, or nil where nothing is there or its name is no UTF-8.
    public static func absolute(_ path: String) -> String? {
        resolve(path).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// As `absolute`, or an error with the system's reason.
    static func existing(_ path: String) throws -> String {
        guard let resolved = resolve(path) else {
            throw CorpusError(path: path, reason: String(cString: strerror(errno)))
        }
        guard let absolute = String(validating: resolved, as: UTF8.self) else {
            throw CorpusError(path: path, reason: "the folder's name is not UTF-8, which a root must be")
        }
        return absolute
    }

    /// The absolute path without links, raw bytes, or nil with `errno` set.
    static func resolve(_ path: String) -> [UInt8]? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
    }

    /// The folder that holds a path.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
