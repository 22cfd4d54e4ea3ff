// A folder to what lies in it: one listing per folder, read with readdir, names as raw bytes.
import Glibc

/// What `stat` says of a file: together these tell an unchanged file.
package struct FileFacts: Sendable, Equatable {
    /// Bytes.
    package var size: Int
    /// Modification time, nanoseconds since 1970.
    package var modified: Int
    /// Time of the last status change, nanoseconds since 1970.
    package var changed: Int

    package init(size: Int, modified: Int, changed: Int) {
        self.size = size
        self.modified = modified
        self.changed = changed
    }

    init(_ status: stat) {
        size = Int(status.st_size)
        modified = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
        changed = status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec
    }
}

/// A picture found by the walk.
package struct FoundFile: Sendable, Equatable {
    /// Below the root.
    package let path: RelativePath
    /// As it was when the folder was listed.
    package let facts: FileFacts

    package init(path: RelativePath, facts: FileFacts) {
        self.path = path
        self.facts = facts
    }
}

/// One folder of the walk.
package struct FolderListing: Sendable {
    /// Below the root.
    package let folder: RelativePath
    /// The pictures directly in it, in name order.
    package var files: [FoundFile] = []
    /// Files of kinds we cannot read, counted by kind.
    package var unsupported: [String: Int] = [:]
    /// Entries with a picture's name that are no regular files, and links that lead out of the root, with the reason.
    package var refused: [(path: RelativePath, reason: String)] = []
    /// Nothing is in it but an index folder: it may be an unmounted disk.
    package var isEmpty = true
    /// Why the folder could not be read to its end, or nil: then what is missing from it is gone.
    package var failure: String?
    /// The folder holds an index of its own and was skipped with all below it.
    package var holdsNestedIndex = false
}

/// Walks the folders below a root, depth first in name order.
///
/// Hidden entries are skipped; links to folders are not
/// followed; links to files are, as long as they stay below the root.
package struct FolderWalk {
    /// Name of the index folder: a folder below the root that holds one is skipped.
    package static let indexFolderName = Array(".penumbra".utf8)

    private let root: Int32
    private let rootPath: String
    private let resolvedRoot: [UInt8]

    /// Opens the root.
    /// - Throws: `CorpusError` with the system's reason.
    package init(root path: String) throws {
        root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw CorpusError(path: path, reason: String(cString: strerror(errno))) }
        rootPath = path
        resolvedRoot = Self.resolve(path) ?? Array(path.utf8)
    }

    private static func resolve(_ path: UnsafePointer<CChar>) -> [UInt8]? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
    }

    /// Lists `start` and every folder below it.
    ///
    /// `visit` is called once per folder, parents first; it returns false to stop.
    package func forEachFolder(from start: RelativePath, _ visit: (FolderListing) throws -> Bool) rethrows {
        defer { close(root) }
        let descriptor = start.withCString { openat(root, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else {
            _ = try visit(FolderListing(folder: start, failure: String(cString: strerror(errno))))
            return
        }
        _ = try walk(descriptor, start, visit)
    }

    /// Lists one folder, then the folders in it.
    ///
    /// Takes the descriptor over.
    private func walk(
        _ descriptor: Int32, _ folder: RelativePath, _ visit: (FolderListing) throws -> Bool
    ) rethrows -> Bool {
        var listing = FolderListing(folder: folder)
        var folders: [[UInt8]] = []
        guard let stream = fdopendir(descriptor) else {
            listing.failure = String(cString: strerror(errno))
            close(descriptor)
            return try visit(listing)
        }
        defer { closedir(stream) }
        var names = Self.names(stream, &listing)
        names.sort { $0.lexicographicallyPrecedes($1) }
        if !folder.bytes.isEmpty, names.contains(Self.indexFolderName), Self.holdsIndex(descriptor) {
            listing.holdsNestedIndex = true
            listing.files = []
            return try visit(listing)
        }
        for name in names where name.first != 0x2E {
            examine(name, in: descriptor, &listing, &folders)
        }
        guard try visit(listing) else { return false }
        for name in folders {
            let path = folder.appending(name)
            let child = RelativePath(bytes: name).withCString {
                openat(descriptor, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            if child < 0 {
                let reason = String(cString: strerror(errno))
                guard try visit(FolderListing(folder: path, failure: reason)) else { return false }
            } else if try !walk(child, path, visit) {
                return false
            }
        }
        return true
    }

    /// All entries but "." and "..".
    private static func names(_ stream: OpaquePointer, _ listing: inout FolderListing) -> [[UInt8]] {
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { listing.failure = String(cString: strerror(errno)) }
                return names
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name == [0x2E] || name == [0x2E, 0x2E] { continue }
            if name != indexFolderName { listing.isEmpty = false }
            names.append(name)
        }
    }

    private static func holdsIndex(_ descriptor: Int32) -> Bool {
        faccessat(descriptor, ".penumbra/catalog.sqlite", F_OK, 0) == 0
    }

    /// Sorts one entry into the listing.
    private func examine(
        _ name: [UInt8], in descriptor: Int32, _ listing: inout FolderListing, _ folders: inout [[UInt8]]
    ) {
        var status = stat()
        let path = listing.folder.appending(name)
        let entry = RelativePath(bytes: name)
        guard entry.withCString({ fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 else {
            // A file may vanish between readdir and here; a folder that lists names and denies the rest is unreadable.
            if errno != ENOENT { listing.failure = String(cString: strerror(errno)) }
            return
        }
        let isLink = status.st_mode & S_IFMT == S_IFLNK
        if status.st_mode & S_IFMT == S_IFDIR {
            folders.append(name)
            return
        }
        let kind = PictureKind(fileName: name)
        if case .unsupported(let kind) = kind { listing.unsupported[kind, default: 0] += 1 }
        guard kind == .candidate else { return }
        if isLink {
            guard entry.withCString({ fstatat(descriptor, $0, &status, 0) }) == 0 else {
                listing.refused.append((path, "a link that leads nowhere"))
                return
            }
            guard staysBelowRoot(entry, in: descriptor) else {
                listing.refused.append((path, "a link that leads out of the root"))
                return
            }
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            listing.refused.append((path, "not a regular file"))
            return
        }
        listing.files.append(FoundFile(path: path, facts: FileFacts(status)))
    }

    /// Whether a link's target lies below the root.
    private func staysBelowRoot(_ entry: RelativePath, in descriptor: Int32) -> Bool {
        let path = RelativePath("/proc/self/fd/\(descriptor)").appending(entry.bytes)
        guard let target = path.withCString(Self.resolve) else { return false }
        return resolvedRoot == [0x2F]
            || RelativePath(bytes: target)
                .isInside(RelativePath(bytes: resolvedRoot))
    }
}

/// A folder or file that could not be used, with the reason.
package struct CorpusError: Error, CustomStringConvertible, Equatable {
    package let path: String
    package let reason: String
    package var description: String { "\(path): \(reason)" }

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}
