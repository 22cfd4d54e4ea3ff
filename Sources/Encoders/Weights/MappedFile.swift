// Turns a file into bytes that are mapped, not read: pages load when touched and are shared between processes.
import Glibc

/// A read-only memory map of a whole file, or a view of bytes that live as long as the process.
///
/// The map stays valid until the last reference goes; every view handed out must be used while one is held.
package final class MappedFile: Sendable {
    /// The file's path, for messages.
    package let path: String
    /// The bytes; the address is page-aligned for files and 64-byte aligned for the built-in model.
    package nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
    private let ownsMap: Bool

    /// Maps a regular file.
    /// - Throws: `FileError` with the path and the system's reason: missing, unreadable, not a regular file.
    package init(path: String) throws(FileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FileError(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError(path: path, reason: "not a regular file") }
        self.path = path
        let count = Int(status.st_size)
        if count == 0 {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            ownsMap = false
            return
        }
        guard let map = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), map != MAP_FAILED else {
            throw FileError(path: path, reason: String(cString: strerror(errno)))
        }
        bytes = UnsafeRawBufferPointer(start: map, count: count)
        ownsMap = true
    }

    /// Wraps bytes that outlive the process's use of them (the built-in model).
    package init(name: String, immortal bytes: UnsafeRawBufferPointer) {
        path = name
        self.bytes = bytes
        ownsMap = false
    }

    /// Runs `body` with the bytes while the map is surely alive.
    ///
    /// A local that is not used again may be released before what was read from it is: `file.bytes` is safe only where
    /// somebody else holds the file.
    package func withBytes<T, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> T) throws(E) -> T {
        defer { withExtendedLifetime(self) {} }
        return try body(bytes)
    }

    deinit {
        if ownsMap { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
    }
}

/// A file that could not be used, with the reason in the system's words.
public struct FileError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The path as given.
    public let path: String
    /// Why, for example "No such file or directory".
    public let reason: String

    /// Names a file and the reason.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// The sentence shown to people.
    public var description: String { "\(path): \(reason)" }
}
