// Placements to a set of slots that a search is limited to: what a filter leaves.
import Storage

/// Slots of a collection, by block.
package struct SlotSet: Sendable, Equatable {
    private var blocks: [Int: LiveBitmap] = [:]

    /// No slots.
    package init() {}

    /// The slots of some placements.
    package init(_ placements: some Sequence<Placement>) {
        for placement in placements { insert(placement) }
    }

    /// Takes a slot in.
    package mutating func insert(_ placement: Placement) {
        blocks[placement.block, default: LiveBitmap()][placement.slot] = true
    }

    /// The slots of a block.
    package subscript(block: Int) -> LiveBitmap { blocks[block] ?? LiveBitmap() }
}
