// The names of what is stored: items and the two collections.

/// The identity of one picture path or one text of an index; never reused, so ascending in order of arrival.
public struct ItemID: RawRepresentable, Hashable, Comparable, Sendable {
    /// The number, from 1.
    public let rawValue: Int64

    /// Wraps a number.
    public init(rawValue: Int64) { self.rawValue = rawValue }

    /// Older items come first: this breaks ties between equally close ones.
    public static func < (a: ItemID, b: ItemID) -> Bool { a.rawValue < b.rawValue }
}

/// The two collections of an index.
public enum Collection: Int, Sendable, CaseIterable, CustomStringConvertible {
    case images = 0
    case texts = 1

    /// "images" or "texts".
    public var description: String { self == .images ? "images" : "texts" }
}
