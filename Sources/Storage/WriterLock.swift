// One writer per index: an advisory lock that names its holder.
import Foundation
import Glibc

/// The writer lock of an index folder, held until released or the process ends.
package final class WriterLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock at once or not at all.
    /// - Parameter path: the lock file; created if missing.
    /// - Throws: `StorageError.busy` with the holder's process id; `.system` when the file cannot be opened.
    package init(path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw [EACCES, EPERM, EROFS].contains(errno)
                ? StorageError.unwritable(path: (path as NSString).deletingLastPathComponent)
                : StorageError.lmdb(errno, "lock", path)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            defer { close(descriptor) }
            guard reason == EWOULDBLOCK else { throw StorageError.lmdb(reason, "lock", path) }
            throw StorageError.busy(process: Self.holder(descriptor))
        }
        guard Self.isCurrent(descriptor, path) else {  // `forget` has removed the index since
            close(descriptor)
            throw StorageError.notAnIndex(path: path)
        }
        self.descriptor = descriptor
        let text = "\(getpid())\n"
        ftruncate(descriptor, 0)
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
    }

    deinit { close(descriptor) }

    /// Whether the path still names the file that is locked.
    private static func isCurrent(_ descriptor: Int32, _ path: String) -> Bool {
        var (held, named) = (stat(), stat())
        return fstat(descriptor, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino
            && held.st_dev == named.st_dev
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes.prefix(count).prefix { $0 != 0x0A }, as: UTF8.self))
    }
}
