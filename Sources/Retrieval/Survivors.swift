// Lower bounds to the items that a threshold leaves, which the next rung bounds again.
import CKernels
import Gaussians
import Storage

/// Items that no bound has excluded yet, with their bounds: by index in a table, ascending.
struct Survivors {
    private var indices: [UInt32] = []
    private var bounds: [Float] = []
    /// The first that `withNext` has not handed out.
    private var next = 0

    /// None.
    init() {}

    /// Those of `count` bounds that are not above a threshold.
    init(_ kernels: Kernels, _ lower: UnsafePointer<Float>, _ count: Int, _ threshold: Float) {
        indices = [UInt32](unsafeUninitializedCapacity: count) { places, selected in
            bounds = [Float](unsafeUninitializedCapacity: count) { values, kept in
                guard let places = places.baseAddress, let values = values.baseAddress else { return }
                kept = kernels.table.pointee.select_not_above(lower, count, threshold, places, values)
                selected = kept
            }
        }
    }

    /// How many are left.
    var count: Int { indices.count }

    /// How many of them are as `isCounted` says.
    func count(_ isCounted: (UInt32) -> Bool) -> Int { indices.count(where: isCounted) }

    /// Best bound first.
    func sorted() -> [Bounded] { zip(indices, bounds).map { Bounded($0, $1) }.sorted() }

    /// Hands out the items below an index that were not handed out before, with bounds that may be raised.
    mutating func withNext(
        below end: Int, _ body: (UnsafePointer<UInt32>, Int, UnsafeMutablePointer<Float>) -> Void
    ) {
        var last = next
        while last < indices.count, indices[last] < end { last += 1 }
        let first = next
        next = last
        indices.withUnsafeBufferPointer { indices in
            bounds.withUnsafeMutableBufferPointer { bounds in
                guard let indices = indices.baseAddress, let bounds = bounds.baseAddress else { return }
                body(indices + first, last - first, bounds + first)
            }
        }
    }

    /// Bounds all items again; the larger of two bounds holds, nothing known raises nothing.
    mutating func raise(_ body: (UnsafePointer<UInt32>, Int, UnsafeMutablePointer<Float>) -> Void) {
        let old = bounds
        next = 0
        withNext(below: .max, body)
        for place in old.indices where !(bounds[place] > old[place] || old[place].isNaN) { bounds[place] = old[place] }
    }

    /// Drops what the threshold excludes; nothing known excludes nothing.
    mutating func drop(above threshold: Float) {
        var kept = 0
        for place in indices.indices where !(bounds[place] > threshold) {
            indices[kept] = indices[place]
            bounds[kept] = bounds[place]
            kept += 1
        }
        next = 0
        indices.removeLast(indices.count - kept)
        bounds.removeLast(bounds.count - kept)
    }

    /// Takes the items of the smallest bounds out.
    /// - Returns: those, best bound first.
    mutating func takeClosest(_ limit: Int) -> [Bounded] {
        var selection = SeedSelection(limit)
        for (index, bound) in zip(indices, bounds) where !(bound > selection.cutoff) {
            selection.insert(Bounded(index, bound))
            selection.trim()
        }
        let closest = selection.smallest()
        guard let last = closest.last else { return [] }
        for place in indices.indices where !(last < Bounded(indices[place], bounds[place])) {
            bounds[place] = .infinity
        }
        drop(above: .greatestFiniteMagnitude)
        return closest
    }
}
