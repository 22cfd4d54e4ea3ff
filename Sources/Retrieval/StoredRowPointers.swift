// Items of a table to where their stored rows lie.
import CKernels
import Storage

/// Where the stored rows of items lie: the table's way to a block takes a lock each time, this one remembers.
final class StoredRowPointers {
    /// Where the rows of an item lie.
    struct Row {
        /// [D].
        let mean: UnsafePointer<Float>
        /// Squared length of the mean, total variance.
        let scalars: UnsafePointer<Double>
        let id: UnsafePointer<UInt64>
    }

    private let table: BlockTable
    private let dimension: Int
    private var views: [BlockView?]

    /// Nothing looked up yet.
    init(_ table: BlockTable, dimension: Int) {
        self.table = table
        self.dimension = dimension
        views = [BlockView?](repeating: nil, count: table.blocks.count)
    }

    /// The rows of an item, by index in the table.
    subscript(index: UInt32) -> Row {
        get throws {
            let (position, slot) = Int(index).quotientAndRemainder(dividingBy: GaussianCodec.slotsPerBlock)
            let view = try views[position] ?? look(position)
            return Row(mean: view.means + slot * dimension, scalars: view.scalars + 2 * slot, id: view.ids + slot)
        }
    }

    private func look(_ position: Int) throws -> BlockView {
        let view = try table.view(position)
        views[position] = view
        return view
    }

    /// Asks for the rows of an item that will be ranked soon.
    func prefetch(_ index: UInt32) throws {
        let row = try self[index]
        pk_prefetch_lines(row.mean, 4 * dimension)
        pk_prefetch(row.scalars)
        pk_prefetch(row.id)
    }
}
