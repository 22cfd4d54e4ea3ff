// What was computed of a file to the same at the next start: found again by what `stat` says of the file.
import Crypto
import Foundation
import Glibc

/// Remembers results by device, inode, size, modification and status change times of the file they were made from.
///
/// Entries are small files in a folder of the user's cache; losing them only costs time.
package struct FileCache: Sendable {
    private let folder: String?

    /// Remembers nothing.
    package static let none = FileCache(folder: nil)

    /// Uses a folder, created on the first write; nil remembers nothing.
    package init(folder: String?) { self.folder = folder }

    /// The entry of a kind for a file, or nil.
    package func entry(_ kind: String, of file: MappedFile) -> MappedFile? {
        path(kind, of: file).flatMap { try? MappedFile(path: $0) }
    }

    /// Writes an entry; a cache that cannot be written is no error.
    package func store(_ kind: String, of file: MappedFile, _ bytes: some ContiguousBytes) {
        guard let path = path(kind, of: file) else { return }
        try? FileManager.default.createPrivateFolder((path as NSString).deletingLastPathComponent)
        try? bytes.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    /// The SHA-256 of a file, hexadecimal: hashing 792 MB at each start would cost most of a second.
    package func fingerprint(of file: MappedFile) -> String {
        if let known = entry("fingerprints", of: file) {
            let text = known.withBytes { String(decoding: $0, as: UTF8.self) }
            let isHexadecimal = text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
            if text.utf8.count == 64, isHexadecimal { return text }
        }
        let fingerprint = file.withBytes { SHA256.hash(data: $0).hexadecimal }
        store("fingerprints", of: file, Data(fingerprint.utf8))
        return fingerprint
    }

    /// The entry's path, or nil where there is no cache or the file is no file (the built-in model).
    private func path(_ kind: String, of file: MappedFile) -> String? {
        var status = stat()
        guard let folder, stat(file.path, &status) == 0 else { return nil }
        let modified = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        let changed = "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
        return "\(folder)/\(kind)/\(status.st_dev)-\(status.st_ino)-\(status.st_size)-\(modified)-\(changed)"
    }
}

extension FileManager {
    /// Makes a folder that only its owner can look into, and those above it, where they are missing.
    package func createPrivateFolder(_ path: String) throws {
        try createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }
}
