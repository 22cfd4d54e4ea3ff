// A file's name below a root, as the system has it: raw bytes, never normalised, never re-encoded.

/// A path relative to the root, `/`-separated raw bytes without a leading slash; empty for the root itself.
package struct RelativePath: Hashable, Comparable, Sendable {
    /// The bytes, not necessarily UTF-8.
    package let bytes: [UInt8]

    /// Wraps bytes.
    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// Wraps a string's UTF-8.
    package init(_ string: String) { bytes = Array(string.utf8) }

    /// The path of an entry of this folder.
    package func appending(_ name: [UInt8]) -> RelativePath {
        RelativePath(bytes: bytes.isEmpty ? name : bytes + [0x2F] + name)
    }

    /// The folder that holds this path; the root for a bare name.
    package var parent: RelativePath {
        RelativePath(bytes: bytes.lastIndex(of: 0x2F).map { Array(bytes[..<$0]) } ?? [])
    }

    /// The last component.
    package var name: [UInt8] { bytes.lastIndex(of: 0x2F).map { Array(bytes[($0 + 1)...]) } ?? bytes }

    /// Whether this is `folder` or lies below it.
    package func isInside(_ folder: RelativePath) -> Bool {
        folder.bytes.isEmpty || bytes == folder.bytes
            || (bytes.starts(with: folder.bytes) && bytes[folder.bytes.count] == 0x2F)
    }

    /// Bytewise order, as SQLite sorts BLOBs.
    package static func < (a: RelativePath, b: RelativePath) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

    /// Calls `body` with the path as a C string, "." for the root.
    func withCString<T>(_ body: (UnsafePointer<CChar>) throws -> T) rethrows -> T {
        try ((bytes.isEmpty ? [0x2E] : bytes) + [0]).map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("a C string has at least its NUL") }
            return try body(base)
        }
    }
}
