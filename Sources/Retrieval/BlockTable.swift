// A collection's blocks to pointers the rungs of a search run over, found when first asked for.
import CKernels
import Gaussians
import Storage

/// The blocks a search goes through, valid as long as the snapshot they come from.
///
/// Positions count the blocks that hold items to be searched; item `256 * position + slot` is a slot.
final class BlockTable: @unchecked Sendable {  // prepare() first, then threads only read
    /// By position; `live` holds what is to be searched: live, below the block's count, and let through by the filter.
    let blocks: [LiveBlock]
    /// What the codes were made with; nil where there are none.
    let parameters: CodeParameters?
    /// 4-bit columns by position.
    let codes4: [UnsafeRawPointer?]
    /// Items to be searched.
    let itemCount: Int
    private let collection: Collection
    private let snapshot: Snapshot
    private var codes8: [UnsafeRawPointer??]
    private var values8: [UnsafeRawBufferPointer?]?
    private var views: [BlockView?]

    init(_ collection: Collection, _ snapshot: Snapshot, among slots: SlotSet?, usesCodes: Bool = true) throws {
        let blocks = try snapshot.blocks(of: collection).compactMap { block in
            var block = block
            block.live = block.live.intersection(slots?[block.number] ?? .full, below: block.count)
            return block.live.count > 0 ? block : nil
        }
        let parameters = usesCodes ? try snapshot.codeParameters(of: collection) : nil
        let values = try parameters.map { _ in try snapshot.derivedValues(.codes4, blocks, of: collection) } ?? []
        for value in values { pk_prefetch(value?.baseAddress) }  // all headers at once, not one wait after the other
        codes4 = blocks.indices.map { position in
            parameters.flatMap {
                snapshot.derivedRows(values[position], .codes4, blocks[position], of: collection, $0)
            }
        }
        itemCount = blocks.reduce(0) { $0 + $1.live.count }
        views = Array(repeating: nil, count: blocks.count)
        codes8 = Array(repeating: nil, count: blocks.count)
        self.blocks = blocks
        self.parameters = parameters
        self.collection = collection
        self.snapshot = snapshot
    }

    /// The stored columns of a block.
    func view(_ position: Int) throws -> BlockView {
        if let view = views[position] { return view }
        let view = try snapshot.view(blocks[position], of: collection)
        views[position] = view
        return view
    }

    /// The 8-bit column of a block, or nil.
    func codes8(_ position: Int) throws -> UnsafeRawPointer? {
        if let codes = codes8[position] { return codes }
        guard let parameters else { return nil }
        if values8 == nil {
            let values = try snapshot.derivedValues(.codes8, blocks, of: collection)
            for value in values { pk_prefetch(value?.baseAddress) }
            values8 = values
        }
        guard let values = values8 else { return nil }
        let codes = snapshot.derivedRows(values[position], .codes8, blocks[position], of: collection, parameters)
        codes8[position] = .some(codes)
        return codes
    }

    /// Finds everything now, so that threads may share the table.
    func prepare() throws {
        for position in blocks.indices {
            _ = try view(position)
            _ = try codes8(position)
        }
    }
}
