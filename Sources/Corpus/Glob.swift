// A pattern people type to the paths it leaves out of a scan.
import Glibc

/// A shell pattern for paths below the root.
///
/// `*`, `?` and `[...]` as in the shell; none of them matches `/`. A pattern without `/` is compared with each name on its
/// own, one with `/` with the path below the root, where a component `**` stands for any number of folders. A trailing
/// `/` asks for a folder. What lies below a folder that matches is left out with it.
package struct Glob: Sendable, Equatable {
    private let components: [[UInt8]]
    private let isAnchored: Bool
    private let needsFolder: Bool
    private static let slash: UInt8 = 0x2F
    private static let anyFolders = Array("**".utf8)

    /// Reads a pattern; nil where nothing is left of it without its slashes.
    package init?(_ pattern: String) {
        let bytes = Array(pattern.utf8)
        components = bytes.split(separator: Self.slash).map(Array.init)
        needsFolder = bytes.last == Self.slash
        isAnchored = bytes.dropLast(needsFolder ? 1 : 0).contains(Self.slash)
        if components.isEmpty { return nil }
    }

    /// Whether an entry matches by itself; the folders above it are entries of their own.
    package func matches(_ path: RelativePath, isFolder: Bool) -> Bool {
        guard isFolder || !needsFolder else { return false }
        guard isAnchored else { return Self.matches(components[0], path.name) }
        return Self.matches(components[...], path.bytes.split(separator: Self.slash).map(Array.init)[...])
    }

    private static func matches(_ pattern: ArraySlice<[UInt8]>, _ path: ArraySlice<[UInt8]>) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if first == anyFolders {
            return matches(pattern.dropFirst(), path) || (!path.isEmpty && matches(pattern, path.dropFirst()))
        }
        guard let name = path.first, matches(first, name) else { return false }
        return matches(pattern.dropFirst(), path.dropFirst())
    }

    private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        RelativePath(bytes: pattern).withCString { pattern in
            RelativePath(bytes: name).withCString { fnmatch(pattern, $0, 0) == 0 }
        }
    }
}

extension [Glob] {
    /// Whether an entry or a folder above it, below `scope`, matches any pattern.
    package func exclude(_ path: RelativePath, below scope: RelativePath, isFolder: Bool = false) -> Bool {
        guard !isEmpty else { return false }
        var entry = path
        var isFolder = isFolder
        while entry != scope, !entry.bytes.isEmpty {
            if contains(where: { $0.matches(entry, isFolder: isFolder) }) { return true }
            entry = entry.parent
            isFolder = true
        }
        return false
    }
}
