// A file to pages that stay in memory until they are let go.
import Foundation

/// A file whose pages the kernel keeps.
///
/// Other engines hold their vectors in memory of their own, which a machine without swap never takes away. Pages of files it may
/// take: kernels that reclaim what was not read for some seconds (DAMON) take those of a million items between two queries.
final class LockedFile {
    private let start: UnsafeMutableRawPointer
    private let size: Int

    /// Reads a file and locks it; nil, and a notice, where the system does not let us.
    init?(_ path: String) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        guard file >= 0, fstat(file, &status) == 0, status.st_size > 0 else { return nil }
        defer { close(file) }
        size = Int(status.st_size)
        guard let start = mmap(nil, size, PROT_READ, MAP_SHARED, file, 0), start != MAP_FAILED else { return nil }
        self.start = start
        guard mlock(start, size) == 0 else {
            FileHandle.standardError.write(Data("not locked in memory (errno \(errno)): \(path)\n".utf8))
            munmap(start, size)
            return nil
        }
    }

    deinit { munmap(start, size) }
}
