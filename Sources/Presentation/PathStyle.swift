// A path below the root to the path a person in some folder would type.

/// Turns paths relative to the root into paths relative to the current folder.
public struct PathStyle: Sendable {
    /// What leads from the current folder to the deepest folder it shares with the root.
    private let ascent: Int
    /// What leads from there to the root; empty when the current folder lies below the root.
    private let descent: [ArraySlice<UInt8>]
    /// What leads from the root to the current folder; empty unless the current folder lies below the root.
    private let below: [ArraySlice<UInt8>]

    /// Prepares the way from one folder to another.
    /// - Parameters:
    ///   - root: the root of the index, absolute.
    ///   - current: the current folder, absolute, raw bytes.
    public init(root: String, current: [UInt8]) {
        let from = current.split(separator: 0x2F)
        let to = Array(root.utf8).split(separator: 0x2F)
        let shared = Self.shared(from, to)
        ascent = from.count - shared
        descent = Array(to[shared...])
        below = shared == to.count ? Array(from[shared...]) : []
    }

    /// As above, for a current folder whose name is text.
    public init(root: String, current: String) { self.init(root: root, current: Array(current.utf8)) }

    /// The path as bytes, relative to the current folder; a name that would read as an option gets "./" before it.
    ///
    /// A path from the file system's root, as imports may have them, stays as it is.
    public func relative(_ path: [UInt8]) -> [UInt8] {
        guard path.first != 0x2F else { return path }
        let parts = path.split(separator: 0x2F)
        let shared = Self.shared(below, Array(parts.dropLast()))
        let ups = Array(repeating: Array("..".utf8)[...], count: ascent - shared)
        let way = Array((ups + descent + parts.dropFirst(shared)).joined(separator: [0x2F]))
        return way.first == 0x2D ? Array("./".utf8) + way : way
    }

    /// How many first components two paths share.
    private static func shared(_ a: [ArraySlice<UInt8>], _ b: [ArraySlice<UInt8>]) -> Int {
        zip(a, b).prefix { $0.0 == $0.1 }.count
    }
}
