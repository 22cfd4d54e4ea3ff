// Turns byte strings into numbers, and finds every known string that starts at a place in a text.

/// A trie over bytes in flat arrays: node 0 is the root, an edge is a key (node, byte) of a table.
struct ByteTrie: Sendable, Equatable {
    private(set) var edges: FlatTable
    /// The value of the string that ends at each node; -1 where none does.
    private(set) var values: [Int32] = [-1]

    /// The node of the empty string.
    static let root: UInt32 = 0

    /// An empty trie, sized for strings of about this many bytes in all.
    init(expectedBytes: Int = 0) {
        edges = FlatTable(capacity: expectedBytes / 2)
        values.reserveCapacity(expectedBytes / 2)
    }

    /// Wraps arrays that another trie held.
    init(edges: FlatTable, values: [Int32]) {
        self.edges = edges
        self.values = values
    }

    /// Adds a string, or gives it another value (not negative).
    mutating func insert(_ string: some Sequence<UInt8>, value: Int32) {
        var node = Self.root
        for byte in string {
            if let next = child(of: node, byte) {
                node = next
            } else {
                let next = UInt32(values.count)
                edges[Self.key(node, byte)] = next
                values.append(-1)
                node = next
            }
        }
        values[Int(node)] = value
    }

    /// The node one byte further; nil where no string goes on so.
    func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
        edges[Self.key(node, byte)]
    }

    /// The node after several bytes.
    func descend(from node: UInt32 = root, _ bytes: some Sequence<UInt8>) -> UInt32? {
        var node = node
        for byte in bytes {
            guard let next = child(of: node, byte) else { return nil }
            node = next
        }
        return node
    }

    /// The value of exactly this string.
    func value(of string: some Sequence<UInt8>) -> Int32? {
        descend(string).flatMap(value(at:))
    }

    /// The value of the string that ends at a node.
    func value(at node: UInt32) -> Int32? {
        let value = values[Int(node)]
        return value < 0 ? nil : value
    }

    private static func key(_ node: UInt32, _ byte: UInt8) -> UInt64 {
        UInt64(node) << 8 | UInt64(byte)
    }
}
