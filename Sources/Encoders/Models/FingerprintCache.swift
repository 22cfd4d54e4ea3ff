// A weights file to its SHA-256, computed once: hashing 792 MB at each start would cost most of a second.
import Crypto
import Foundation
import Glibc

/// Remembers fingerprints by what `stat` says of a file: device, inode, size, modification and status change times.
package struct FingerprintCache: Sendable {
    /// The folder of the entries, one small file each; nil remembers nothing.
    private let folder: String?

    /// Remembers nothing.
    package static let none = FingerprintCache(folder: nil)

    /// Uses a folder, created on the first write.
    package init(folder: String?) { self.folder = folder }

    /// The SHA-256 of a file, hexadecimal.
    package func fingerprint(of file: MappedFile) -> String {
        guard let entry = entry(for: file.path) else { return SHA256.hash(data: file.bytes).hexadecimal }
        if let known = try? String(contentsOfFile: entry, encoding: .utf8), Self.isFingerprint(known) { return known }
        let fingerprint = SHA256.hash(data: file.bytes).hexadecimal
        // A cache that cannot be written only costs time.
        try? FileManager.default.createDirectory(
            atPath: (entry as NSString).deletingLastPathComponent, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        try? fingerprint.write(toFile: entry, atomically: true, encoding: .utf8)
        return fingerprint
    }

    /// The entry's path, or nil where there is no cache or the file is no file (the built-in model).
    private func entry(for path: String) -> String? {
        var status = stat()
        guard let folder, stat(path, &status) == 0 else { return nil }
        let modified = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        let changed = "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
        return "\(folder)/fingerprints/\(status.st_dev)-\(status.st_ino)-\(status.st_size)-\(modified)-\(changed)"
    }

    private static func isFingerprint(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
