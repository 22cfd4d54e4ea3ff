// A picture's path to its bytes and their hash, read once; whatever is not a plain file of a sane size is refused.
import Crypto
import Glibc

/// A file's content as it was read.
package struct FileContent: Sendable {
    /// The bytes.
    package let bytes: [UInt8]
    /// SHA-256 of the bytes.
    package let hash: [UInt8]
    /// What `stat` said of the open file.
    package let facts: FileFacts
    /// Whether the file changed so shortly before it was read that another change might leave the same times: the clock of
    /// a file system moves in steps.
    package let isFresh: Bool
}

/// Why a file was not read.
package struct FileReadError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The reason, without the file's name.
    package let reason: String
    package var description: String { reason }

    package init(reason: String) { self.reason = reason }
}

/// Reads files below a root.
package final class FileReader: Sendable {
    /// Larger files are refused.
    package static let maximumSize = 64 << 20
    /// No local file system's clock moves in longer steps, nanoseconds.
    private static let clockStep = 20_000_000
    private let root: Int32

    /// The system's clock, nanoseconds since 1970.
    private static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Opens the root.
    /// - Throws: `CorpusError` with the system's reason.
    package init(root path: String) throws {
        root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw CorpusError(path: path, reason: String(cString: strerror(errno))) }
    }

    deinit { close(root) }

    /// Reads a whole file.
    /// - Throws: `FileReadError`: missing, unreadable, not a regular file (never waits for a FIFO), over 64 MB, or
    ///   changed while it was read.
    package func read(_ path: RelativePath) throws(FileReadError) -> FileContent {
        let descriptor = path.withCString { openat(root, $0, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw Self.system() }
        defer { close(descriptor) }
        let facts = try Self.facts(descriptor)
        let isFresh = facts.changed > Self.now - Self.clockStep
        guard facts.size <= Self.maximumSize else {
            throw FileReadError(reason: "\((facts.size + 999_999) / 1_000_000) MB, files over 64 MB are refused")
        }
        let bytes = try Self.bytes(descriptor, expecting: facts.size)
        guard bytes.count == facts.size, try Self.facts(descriptor) == facts else {
            throw FileReadError(reason: "changed while it was being read")
        }
        return FileContent(bytes: bytes, hash: Array(SHA256.hash(data: bytes)), facts: facts, isFresh: isFresh)
    }

    /// What is at a path now, links followed: nil where nothing is, or no regular file.
    package func facts(of path: RelativePath) -> FileFacts? {
        var status = stat()
        guard path.withCString({ fstatat(root, $0, &status, 0) }) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return FileFacts(status)
    }

    /// Whether anything is at a path, be it a link that leads nowhere.
    package func holds(_ path: RelativePath) -> Bool {
        var status = stat()
        return path.withCString { fstatat(root, $0, &status, AT_SYMLINK_NOFOLLOW) } == 0
    }

    private static func system() -> FileReadError { FileReadError(reason: String(cString: strerror(errno))) }

    private static func facts(_ descriptor: Int32) throws(FileReadError) -> FileFacts {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw system() }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileReadError(reason: "not a regular file") }
        return FileFacts(status)
    }

    private static func bytes(_ descriptor: Int32, expecting size: Int) throws(FileReadError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
            while count < buffer.count, let base = buffer.baseAddress {
                let got = Glibc.read(descriptor, base + count, buffer.count - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                guard got > 0 else { return }
                count += got
            }
        }
        guard failure == 0 else { throw FileReadError(reason: String(cString: strerror(failure))) }
        return bytes
    }
}
