// A path below the root to the path a person in some folder would type.

/// Turns paths relative to the root into paths relative to the current folder.
public struct PathStyle: Sendable {
    private let prefix: [UInt8]

    /// Prepares the way from one folder to another.
    /// - Parameters:
    ///   - root: the root of the index, absolute.
    ///   - current: the current folder, absolute.
    public init(root: String, current: String) {
        let from = current.utf8.split(separator: 0x2F)
        let to = root.utf8.split(separator: 0x2F)
        let shared = zip(from, to).prefix { $0.0.elementsEqual($0.1) }.count
        var parts = Array(repeating: Array("..".utf8), count: from.count - shared)
        parts += to[shared...].map { Array($0) }
        prefix = Array(parts.joined(separator: [0x2F])) + (parts.isEmpty ? [] : [0x2F])
    }

    /// The path as bytes, relative to the current folder; a name that would read as an option gets "./" before it.
    public func relative(_ path: [UInt8]) -> [UInt8] {
        let path = prefix + path
        return path.first == 0x2D ? Array("./".utf8) + path : path
    }
}
