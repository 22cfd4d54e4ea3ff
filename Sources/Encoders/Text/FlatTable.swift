// Turns integer keys into integer values through flat arrays that could be mapped from a file as they are.

/// An open-addressing hash table from UInt64 to UInt32.
struct FlatTable: Sendable, Equatable {
    /// The slots, a power of two; free ones hold `unused`.
    private(set) var keys: [UInt64]
    private(set) var values: [UInt32]
    private(set) var count = 0

    private static let unused = UInt64.max

    /// An empty table that takes this many keys without growing.
    init(capacity: Int) {
        var slots = 16
        while slots < capacity * 2 { slots *= 2 }
        keys = Array(repeating: Self.unused, count: slots)
        values = Array(repeating: 0, count: slots)
    }

    /// Wraps arrays that another table held; nil when they cannot be one's.
    init?(keys: [UInt64], values: [UInt32], count: Int) {
        guard keys.count >= 16, keys.count.nonzeroBitCount == 1, values.count == keys.count, count * 2 <= keys.count
        else {
            return nil
        }
        self.keys = keys
        self.values = values
        self.count = count
    }

    /// The value of a key below `UInt64.max`, in amortised constant time.
    subscript(key: UInt64) -> UInt32? {
        get {
            let slot = slot(of: key)
            return keys[slot] == key ? values[slot] : nil
        }
        set {
            guard let newValue else { preconditionFailure("keys are never removed") }
            precondition(key != Self.unused)
            let slot = slot(of: key)
            values[slot] = newValue
            guard keys[slot] != key else { return }
            keys[slot] = key
            count += 1
            if count * 2 > keys.count { grow() }
        }
    }

    /// Where the key is, or would be put.
    private func slot(of key: UInt64) -> Int {
        let mask = keys.count - 1
        // Fibonacci hashing: the product's high bits depend on every bit of the key.
        let hash = (key ^ key >> 32) &* 0x9E37_79B9_7F4A_7C15
        var slot = Int(truncatingIfNeeded: hash >> UInt64(64 - mask.nonzeroBitCount)) & mask
        while keys[slot] != key, keys[slot] != Self.unused { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func grow() {
        var larger = FlatTable(capacity: keys.count)
        for (key, value) in zip(keys, values) where key != Self.unused { larger[key] = value }
        self = larger
    }
}
