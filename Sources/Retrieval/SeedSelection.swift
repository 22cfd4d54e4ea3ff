// A stream of bounded items to those of the smallest bounds.

/// An item by its index in a table, with a lower bound of its key.
///
/// Bound and index are one number, so that sorting compares integers.
struct Bounded: Comparable {
    private let key: UInt64

    /// NaN, nothing known, counts as the smallest bound.
    init(_ index: UInt32, _ lower: Float) {
        let bits = (lower.isNaN ? -.infinity : lower).bitPattern
        // The order of floats: negative ones turned around, below the others.
        let ordered = bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
        key = UInt64(ordered) << 32 | UInt64(index)
    }

    var index: UInt32 { UInt32(truncatingIfNeeded: key) }

    var lower: Float {
        let ordered = UInt32(truncatingIfNeeded: key >> 32)
        return Float(bitPattern: ordered & 0x8000_0000 == 0 ? ~ordered : ordered & 0x7FFF_FFFF)
    }

    static func < (a: Bounded, b: Bounded) -> Bool { a.key < b.key }
}

/// Keeps the items of the smallest bounds.
struct SeedSelection {
    private let count: Int
    private var items: [Bounded] = []
    /// What is above it is not among them.
    private(set) var cutoff = Float.greatestFiniteMagnitude

    /// Keeps so many, at least 1.
    init(_ count: Int) { self.count = count }

    mutating func insert(_ item: Bounded) { items.append(item) }

    /// Drops what is not among the smallest, once that is worth it.
    mutating func trim() {
        guard items.count > count + count / 2 + 32 else { return }
        items.withUnsafeMutableBufferPointer { Self.partition($0, at: count - 1) }
        items.removeLast(items.count - count)
        cutoff = items[count - 1].lower
    }

    /// Brings the item of a rank to its place, the smaller before it, the larger behind: quickselect (Hoare, 1961).
    private static func partition(_ items: UnsafeMutableBufferPointer<Bounded>, at rank: Int) {
        var (first, last) = (0, items.count - 1)
        while first < last {
            let pivot = items[(first + last) / 2]
            var (low, high) = (first, last)
            while low <= high {
                while items[low] < pivot { low += 1 }
                while pivot < items[high] { high -= 1 }
                guard low <= high else { break }
                items.swapAt(low, high)
                low += 1
                high -= 1
            }
            if rank <= high {
                last = high
            } else if rank >= low {
                first = low
            } else {
                return
            }
        }
    }

    /// The smallest so far, ascending.
    mutating func smallest() -> [Bounded] {
        items.sort()
        if items.count > count { items.removeLast(items.count - count) }
        if items.count == count, let last = items.last { cutoff = last.lower }
        return items
    }
}
