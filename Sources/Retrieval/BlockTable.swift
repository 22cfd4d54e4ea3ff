// A collection's blocks to pointers the rungs of a search run over.
import CKernels
import Gaussians
import Storage

/// The blocks a search goes through, valid as long as the snapshot they come from.
///
/// Positions count the blocks that hold items to be searched; item `256 * position + slot` is a slot.
final class BlockTable: @unchecked Sendable {  // LMDB's read transactions (MDB_NOTLS) are bound to no thread
    /// Fewer items of a block than this are quicker read one by one from the fine codes.
    private static let sparse = 24

    /// By position; `live` holds what is to be searched: live, below the block's count, and let through by the filter.
    let blocks: [LiveBlock]
    /// How many items of each are to be searched.
    let liveCounts: [Int]
    /// What the codes were made with; nil where there are none.
    let parameters: CodeParameters?
    /// Whether a block has coarse codes, by position.
    let hasCodes: [Bool]
    /// The coarse codes of the blocks that are worth scanning, by position.
    let coarse: [UnsafeRawPointer?]
    /// Items to be searched.
    let itemCount: Int
    /// Whether the last blocks are scanned first.
    let isReversed: Bool
    /// Whether block n is at position n.
    private let isDense: Bool
    /// Whether the coarse codes of most blocks are read, so that mapping columns at once pays.
    private let readsMost: Bool
    private let collection: Collection
    private let snapshot: Snapshot
    private let pointers: BlockPointers?

    init(_ collection: Collection, _ snapshot: Snapshot, among slots: SlotSet?, usesCodes: Bool = true) throws {
        let blocks = try snapshot.blocks(of: collection).compactMap { block in
            var block = block
            block.live = block.live.intersection(slots?[block.number] ?? .full, below: block.count)
            return block.live.count > 0 ? block : nil
        }
        let parameters = usesCodes ? try snapshot.codeParameters(of: collection) : nil
        let scanned = blocks.count { $0.live.count >= Self.sparse }
        let readsMost = try 2 * scanned >= snapshot.blockCount(of: collection)
        self.readsMost = readsMost
        let pointers = try parameters.map { try snapshot.pointers(of: collection, $0, readsMost: readsMost) }
        let codes = blocks.map { block -> UnsafeRawPointer? in
            guard let pointers, block.number < pointers.coarse.count else { return nil }
            return pointers.coarse[block.number]
        }
        hasCodes = codes.map { $0 != nil }
        let liveCounts = blocks.map(\.live.count)
        coarse = zip(liveCounts, codes).map { $0 < Self.sparse ? nil : $1 }
        itemCount = liveCounts.reduce(0, +)
        self.liveCounts = liveCounts
        isDense = blocks.indices.allSatisfy { blocks[$0].number == $0 }
        isReversed = pointers?.nextIsReversed() ?? false
        self.blocks = blocks
        self.parameters = parameters
        self.pointers = pointers
        self.collection = collection
        self.snapshot = snapshot
        if readsMost, let pointers { try snapshot.mapRowsOnce(of: collection, pointers) }
    }

    /// The stored columns of a block.
    func view(_ position: Int) throws -> BlockView {
        guard let pointers else { return try snapshot.view(blocks[position], of: collection) }
        return try snapshot.view(blocks[position], of: collection, pointers)
    }

    /// The codes of a column above the coarse ones, for who reads many, by position; nil for blocks whose coarse codes are
    /// not read.
    func codesOfScanned(_ column: Column) throws -> [UnsafeRawPointer?] {
        let codes = try codes(column, mapping: readsMost)
        let isForAll = codes.indices.allSatisfy { codes[$0] == nil || coarse[$0] != nil }
        return isForAll ? codes : zip(codes, coarse).map { $1 == nil ? nil : $0 }
    }

    /// The codes of a column above the coarse ones, by position; nil where there are none.
    func codes(_ column: Column, mapping: Bool = false) throws -> [UnsafeRawPointer?] {
        guard let parameters, let pointers else { return blocks.map { _ in nil } }
        let codes = try snapshot.codes(column, of: collection, parameters, pointers, mapping: mapping)
        if isDense, codes.count == blocks.count { return codes }
        return blocks.map { $0.number < codes.count ? codes[$0.number] : nil }
    }
}
