// A path to the kind of file system it lies on: LMDB and SQLite need a local one.
import Foundation
import Glibc

/// The file system of a path.
package struct FileSystem: Sendable, Equatable {
    /// The kernel's name of its type: "ext4", "nfs4", "fuse.sshfs".
    package let type: String

    /// Asks the kernel: `/proc/self/mountinfo` names the mount an absolute path lies below.
    package init(of path: String) {
        type = Self.type(of: path, mounts: Self.mounts()) ?? "unknown"
    }

    /// Read piece by piece: the kernel says that the file is empty.
    private static func mounts() -> String {
        let descriptor = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var (bytes, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk.prefix(count)
        }
    }

    package init(type: String) { self.type = type }

    /// The type of the mount with the longest mount point above a path; the last of several at one point is on top.
    package static func type(of path: String, mounts: String) -> String? {
        var best: (length: Int, type: String)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
            let point = unescaped(fields[4])
            guard point == "/" || path == point || path.hasPrefix("\(point)/") else { continue }
            if point.utf8.count >= best?.length ?? 0 { best = (point.utf8.count, String(fields[dash + 1])) }
        }
        return best?.type
    }

    /// Mount points have their spaces, tabs, newlines and backslashes as octal escapes.
    private static func unescaped(_ text: Substring) -> String {
        [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")].reduce(String(text)) {
            $0.replacingOccurrences(of: $1.0, with: $1.1)
        }
    }

    /// Whether other machines may write to it, so that locks and maps cannot be trusted.
    package var isNetwork: Bool {
        ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "ncpfs", "beegfs"]
            .contains(type) || type.hasPrefix("fuse.") || type == "fuse"
    }
}
