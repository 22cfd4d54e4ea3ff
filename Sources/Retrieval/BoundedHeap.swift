// A stream of keys to its k-th smallest so far.

/// Keeps the `capacity` smallest keys of a stream.
package struct BoundedHeap {
    private let capacity: Int
    private var keys: [Double] = []  // a binary heap, the largest first

    /// An empty heap.
    /// - Parameter capacity: at least 1.
    package init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    /// The `capacity`-th smallest key so far, +infinity while there are fewer.
    package var threshold: Double { keys.count < capacity ? .infinity : keys[0] }

    /// The keys kept, in no order.
    package var smallest: [Double] { keys }

    /// Takes a key in if it is among the smallest.
    /// - Complexity: O(log capacity).
    package mutating func insert(_ key: Double) {
        if keys.count < capacity {
            keys.append(key)
            siftUp(keys.count - 1)
        } else if key < keys[0] {
            keys[0] = key
            siftDown(0)
        }
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0, keys[(child - 1) / 2] < keys[child] {
            keys.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while 2 * parent + 1 < keys.count {
            var largest = 2 * parent + 1
            if largest + 1 < keys.count, keys[largest + 1] > keys[largest] { largest += 1 }
            guard keys[largest] > keys[parent] else { return }
            keys.swapAt(parent, largest)
            parent = largest
        }
    }
}
