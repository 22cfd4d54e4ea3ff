// A file that is written beside its place and renamed into it: nobody ever sees a part.
import Foundation
import Glibc

/// A file that appears whole, under its name, once it is complete.
package final class AtomicFile {
    /// What it is going to be.
    package let path: String
    /// For writing; nil once it is in place.
    package private(set) var stream: UnsafeMutablePointer<FILE>
    private let temporary: String
    private var isOpen = true

    /// Begins a file beside the target, with the permissions any new file has.
    /// - Parameter path: the file to be; what a link there leads to is replaced.
    /// - Throws: `FileError` with the system's reason, or when something else than a regular file is there.
    package init(path: String) throws {
        self.path = try Self.target(path)
        (stream, temporary) = try Self.open(beside: self.path)
    }

    deinit {
        guard isOpen else { return }
        fclose(stream)
        unlink(temporary)
    }

    /// Appends bytes.
    /// - Throws: `FileError` when the disk is full.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard fwrite(bytes.baseAddress, 1, bytes.count, stream) == bytes.count else { throw Self.error(path) }
    }

    /// Syncs the file and puts it in its place.
    /// - Throws: `FileError`; then no file of that name was made or changed.
    package func finish() throws {
        guard fflush(stream) == 0, fsync(fileno(stream)) == 0 else { throw Self.error(path) }
        isOpen = false
        guard fclose(stream) == 0, rename(temporary, path) == 0 else {
            defer { unlink(temporary) }
            throw Self.error(path)
        }
    }

    /// A file without a name beside the target: nothing is left of it however this process ends.
    static func spool(beside path: String) throws -> UnsafeMutablePointer<FILE> {
        let (stream, name) = try open(beside: path)
        unlink(name)
        return stream
    }

    /// Where the file is to be: what a link leads to; anything there but a regular file is refused.
    private static func target(_ path: String) throws -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return path }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, reason: "not a regular file, it would be replaced by one")
        }
        guard let resolved = realpath(path, nil) else { throw error(path) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func open(beside path: String) throws -> (UnsafeMutablePointer<FILE>, String) {
        let folder = (path as NSString).deletingLastPathComponent
        var template = Array("\(folder.isEmpty ? "." : folder)/.penumbra-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw error(path) }
        let mask = umask(0)
        umask(mask)
        fchmod(descriptor, 0o666 & ~mask)
        guard let stream = fdopen(descriptor, "w+") else { throw error(path) }
        return (stream, String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    static func error(_ path: String) -> FileError {
        FileError(path: path, reason: String(cString: strerror(errno)))
    }
}
