// Blocks to where their columns lie in the map: found once, and kept as long as the vectors do not change.
import Synchronization

/// Where the columns of a collection's blocks lie, by block number; valid in transactions of the state it was made in.
///
/// A search asks for all coarse codes, mostly for those above them, and for the rest of some dozens of blocks: what it asks
/// for is looked up once.
package final class BlockPointers: @unchecked Sendable {  // the pointers are immutable, the rest is behind a lock
    /// The coarse codes of each block, nil where a search must do without.
    package let coarse: [UnsafeRawPointer?]
    private struct Found: @unchecked Sendable {
        var codes: [Column: [UnsafeRawPointer?]] = [:]
        var mapped: Set<Column> = []
        var views: [Int: BlockView] = [:]
    }
    private let found = Mutex(Found())
    private let walks = Atomic(0)

    /// Whether a search should go through the blocks from the last to the first: every other one does, since what was read
    /// last may still be in the cache.
    package func nextIsReversed() -> Bool { walks.wrappingAdd(1, ordering: .relaxed).oldValue % 2 == 1 }

    /// Whether this state is searched over and over, so that sooner or later most of what is read here and there is read:
    /// mapping all fine codes at once takes as long as the page faults of some eight searches.
    package var isSearchedOften: Bool { walks.load(ordering: .relaxed) > 8 }

    init(coarse: [UnsafeRawPointer?]) { self.coarse = coarse }

    /// Whether the caller is the first who maps a column at once.
    func claimsMapping(of column: Column) -> Bool { found.withLock { $0.mapped.insert(column).inserted } }

    /// The codes of a column above the coarse ones, by block.
    func codes(_ column: Column, _ find: () throws -> [UnsafeRawPointer?]) rethrows -> [UnsafeRawPointer?] {
        try found.withLock { found in
            if let known = found.codes[column] { return known }
            let pointers = try find()
            found.codes[column] = pointers
            return pointers
        }
    }

    /// The stored columns of a block.
    func view(_ block: LiveBlock, _ find: () throws -> BlockView) rethrows -> BlockView {
        if let known = found.withLock({ $0.views[block.number] }), known.count >= block.count {
            return known.seen(as: block)
        }
        let view = try find()
        found.withLock { $0.views[block.number] = view }
        return view
    }
}

/// The pointers of the states that were read last.
final class BlockPointersCache: Sendable {
    /// What decides where things lie: the transaction's state, where the parameters of the codes lie, and which they are.
    private struct Key: Equatable, @unchecked Sendable {
        let transaction: Int
        let anchor: UnsafeRawPointer?
        let fingerprint: UInt32
    }
    private struct Entry: Sendable {
        let key: Key
        let pointers: BlockPointers
    }
    private let entries = Mutex<[Collection: Entry]>([:])

    /// The pointers of a state, kept or found.
    func pointers(
        of collection: Collection, transaction: Int, anchor: UnsafeRawPointer?, fingerprint: UInt32,
        _ find: () throws -> [UnsafeRawPointer?]
    ) rethrows -> BlockPointers {
        let key = Key(transaction: transaction, anchor: anchor, fingerprint: fingerprint)
        if let kept = entries.withLock({ $0[collection] }), kept.key == key { return kept.pointers }
        let pointers = BlockPointers(coarse: try find())
        entries.withLock { $0[collection] = Entry(key: key, pointers: pointers) }
        return pointers
    }
}
