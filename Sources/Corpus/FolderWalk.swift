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

/// An entry that is no file to read.
package struct RefusedEntry: Sendable, Equatable {
    /// Below the root.
    package let path: RelativePath
    package let reason: String
    /// Whether it is a link: what it led to may be back tomorrow.
    package let isLink: Bool
}

/// One folder of the walk, or the next part of a large one.
package struct FolderListing: Sendable {
    /// Below the root.
    package let folder: RelativePath
    /// The number of the device it lies on.
    package var device = 0
    /// Pictures directly in it, in no order.
    package var files: [FoundFile] = []
    /// Files of kinds we cannot read, counted by kind.
    package var unsupported: [String: Int] = [:]
    /// Entries with a picture's name that are no regular files, and links that are not followed.
    package var refused: [RefusedEntry] = []
    /// Links to folders, which are not followed unless asked.
    package var folderLinks = 0
    /// Nothing is in it but an index folder: it may be an unmounted disk.
    package var isEmpty = true
    /// Why the folder could not be read to its end, or nil: then what is missing from it is gone.
    package var failure: String?
    /// The folder holds an index of its own and was skipped with all below it.
    package var holdsNestedIndex = false
    /// The folder is one of those above it, reached by a link, and was skipped.
    package var isLoop = false
    /// More of the same folder follows.
    package var isContinued = false
}

/// What a walk looks for.
package struct WalkOptions: Sendable {
    /// Entries to leave out.
    package var excludes: [Glob] = []
    /// Follows links to folders, and links that lead out of the root.
    package var followsLinks = false
    /// Looks into files whose names promise nothing.
    package var sniffsAll = false

    package init() {}
}

/// Walks the folders below a root, depth first in name order.
///
/// Hidden entries are skipped; links to folders are followed only when asked; links to files are, as long as they stay
/// below the root. A folder is read entry by entry: memory does not grow with the number of its files.
package struct FolderWalk {
    /// Name of the index folder: a folder below the root that holds one is skipped.
    package static let indexFolderName = Array(".penumbra".utf8)
    /// Files of one listing.
    private static let partSize = 256

    private let root: Int32
    private let resolvedRoot: [UInt8]
    private let options: WalkOptions

    /// Opens the root.
    /// - Throws: `CorpusError` with the system's reason.
    package init(root path: String, options: WalkOptions = WalkOptions()) throws {
        root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw CorpusError(path: path, reason: String(cString: strerror(errno))) }
        resolvedRoot = Self.resolve(path) ?? Array(path.utf8)
        self.options = options
    }

    private static func resolve(_ path: UnsafePointer<CChar>) -> [UInt8]? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
    }

    /// Lists `start` and every folder below it.
    ///
    /// `visit` is called at least once per folder, parents first; it returns false to stop.
    package func forEachFolder(from start: RelativePath, _ visit: (FolderListing) throws -> Bool) rethrows {
        defer { close(root) }
        let descriptor = start.withCString { openat(root, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else {
            _ = try visit(FolderListing(folder: start, failure: String(cString: strerror(errno))))
            return
        }
        _ = try walk(descriptor, start, above: [], visit)
    }

    /// What tells a folder from all others.
    private struct FolderID: Equatable {
        let device: dev_t
        let inode: ino_t
    }

    /// Lists one folder, then the folders in it; takes the descriptor over.
    private func walk(
        _ descriptor: Int32, _ folder: RelativePath, above: [FolderID], _ visit: (FolderListing) throws -> Bool
    ) rethrows -> Bool {
        var listing = FolderListing(folder: folder)
        var status = stat()
        guard fstat(descriptor, &status) == 0, let stream = fdopendir(descriptor) else {
            listing.failure = String(cString: strerror(errno))
            close(descriptor)
            return try visit(listing)
        }
        defer { closedir(stream) }
        listing.device = Int(status.st_dev)
        let id = FolderID(device: status.st_dev, inode: status.st_ino)
        listing.isLoop = above.contains(id)
        listing.holdsNestedIndex = !folder.bytes.isEmpty && !listing.isLoop && Self.holdsIndex(descriptor)
        if listing.isLoop || listing.holdsNestedIndex {
            listing.isEmpty = false
            return try visit(listing)
        }
        var folders: [[UInt8]] = []
        guard try read(stream, descriptor, &listing, &folders, visit) else { return false }
        folders.sort { $0.lexicographicallyPrecedes($1) }
        for name in folders {
            guard try enter(name, of: folder, descriptor, above: above + [id], visit) else { return false }
        }
        return true
    }

    private func enter(
        _ name: [UInt8], of folder: RelativePath, _ descriptor: Int32, above: [FolderID],
        _ visit: (FolderListing) throws -> Bool
    ) rethrows -> Bool {
        let path = folder.appending(name)
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (options.followsLinks ? 0 : O_NOFOLLOW)
        let child = RelativePath(bytes: name).withCString { openat(descriptor, $0, flags) }
        guard child >= 0 else {
            return try visit(FolderListing(folder: path, failure: String(cString: strerror(errno))))
        }
        return try walk(child, path, above: above, visit)
    }

    /// Reads a folder to its end, handing over what has come together.
    private func read(
        _ stream: OpaquePointer, _ descriptor: Int32, _ listing: inout FolderListing, _ folders: inout [[UInt8]],
        _ visit: (FolderListing) throws -> Bool
    ) rethrows -> Bool {
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { listing.failure = String(cString: strerror(errno)) }
                return try visit(listing)
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name == [0x2E] || name == [0x2E, 0x2E] { continue }
            if name != Self.indexFolderName { listing.isEmpty = false }
            guard name.first != 0x2E else { continue }
            examine(name, in: descriptor, &listing, &folders)
            guard listing.files.count >= Self.partSize else { continue }
            listing.isContinued = true
            guard try visit(listing) else { return false }
            listing = FolderListing(folder: listing.folder, device: listing.device, isEmpty: false)
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
        let leadsNowhere = isLink && entry.withCString { fstatat(descriptor, $0, &status, 0) } != 0
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        if options.excludes.contains(where: { $0.matches(path, isFolder: isFolder) }) { return }
        if isFolder {
            if isLink && !options.followsLinks { listing.folderLinks += 1 } else { folders.append(name) }
            return
        }
        let kind = kind(of: entry, in: descriptor, status)
        if case .unsupported(let kind) = kind { listing.unsupported[kind, default: 0] += 1 }
        guard kind == .candidate else { return }
        if leadsNowhere {
            listing.refused.append(RefusedEntry(path: path, reason: "a link that leads nowhere", isLink: true))
        } else if isLink, !options.followsLinks, !staysBelowRoot(entry, in: descriptor) {
            listing.refused.append(RefusedEntry(path: path, reason: "a link that leads out of the root", isLink: true))
        } else if status.st_mode & S_IFMT != S_IFREG {
            listing.refused.append(RefusedEntry(path: path, reason: "not a regular file", isLink: false))
        } else {
            listing.files.append(FoundFile(path: path, facts: FileFacts(status)))
        }
    }

    /// What a file is by its name or, when asked, its content.
    private func kind(of entry: RelativePath, in descriptor: Int32, _ status: stat) -> PictureKind {
        let promised = PictureKind(fileName: entry.bytes)
        guard options.sniffsAll, promised != .candidate, status.st_mode & S_IFMT == S_IFREG else { return promised }
        let file = entry.withCString { openat(descriptor, $0, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) }
        guard file >= 0 else { return promised }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: PictureKind.sniffedBytes)
        let count = Glibc.read(file, &bytes, bytes.count)
        let found = PictureKind(content: Array(bytes.prefix(max(count, 0))))
        return found == .other ? promised : found
    }

    /// Whether a link's target lies below the root.
    private func staysBelowRoot(_ entry: RelativePath, in descriptor: Int32) -> Bool {
        let path = RelativePath("/proc/self/fd/\(descriptor)").appending(entry.bytes)
        guard let target = path.withCString(Self.resolve) else { return false }
        return resolvedRoot == [0x2F] || RelativePath(bytes: target).isInside(RelativePath(bytes: resolvedRoot))
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
