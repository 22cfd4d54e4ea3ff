// One query and a table of blocks to its closest items: rung by rung, each dropping only what its bound proves.
import CKernels
import Gaussians
import Storage

/// One query's way through a collection.
///
/// 1. Every item gets a lower bound of its key: from coarse codes, or from Float32 means where a block has no codes.
/// 2. The items of the smallest lower bounds are ranked exactly: the `limit`-th of them is the first threshold.
/// 3. What is not above the threshold is bounded again from fine codes.
/// 4. What is still not above is ranked exactly, best bound first, while the threshold falls.
struct CodeLadder {
    /// Blocks that are scanned before their bounds are looked at: these and the codes stay in the second cache.
    private static let stride = 8

    private let table: BlockTable
    private let query: CodedQuery
    private let limit: Int
    private let kernels: Kernels
    private let lower: BoundBuffer
    private var products: [Float] = []
    private var seeds: SeedSelection
    private var best: BoundedHeap
    private var candidates: [Candidate] = []
    private(set) var report = ScanReport()

    /// Starts at the bottom, nothing scanned yet: `limit` is at least 1 and at most the table's items.
    init(_ table: BlockTable, _ query: CodedQuery, limit: Int, kernels: Kernels) {
        self.table = table
        self.query = query
        self.limit = limit
        self.kernels = kernels
        best = BoundedHeap(capacity: limit)
        seeds = SeedSelection(limit + limit / 2 + 16)  // some to spare: what they give decides what the next rung reads
        lower = BoundBuffer(count: GaussianCodec.slotsPerBlock * table.blocks.count)
    }

    // MARK: Rung one

    /// Bounds all items for some queries, each reading of a block serving several, and picks the smallest for a start.
    static func scan(_ ladders: inout [CodeLadder], _ table: BlockTable) throws {
        let step = Int(PK_QUERIES)
        let count = table.blocks.count
        var starts = Array(Swift.stride(from: 0, to: count, by: stride))
        if table.isReversed { starts.reverse() }
        for (number, first) in starts.enumerated() {
            let positions = first..<min(first + stride, count)
            let next = number + 1 < starts.count ? table.coarse[starts[number + 1]] : nil
            for start in Swift.stride(from: 0, to: ladders.count, by: step) {
                let range = start..<min(start + step, ladders.count)
                let isBounded = boundByCodes(ladders[range], positions, next)
                for index in range { try ladders[index].finish(positions, isBounded: isBounded) }
            }
        }
    }

    /// Lower bounds from codes, for up to `PK_QUERIES` queries; false where they do not serve a query.
    private static func boundByCodes(
        _ ladders: ArraySlice<CodeLadder>, _ positions: Range<Int>, _ next: UnsafeRawPointer?
    ) -> Bool {
        guard let first = ladders.first, ladders.allSatisfy({ $0.query.prepared != nil }) else { return false }
        let (table, kernels) = (first.table, first.kernels.table.pointee)
        let size = Int(PK_QUERIES)
        withUnsafeTemporaryAllocation(of: UnsafePointer<pk_code_query>.self, capacity: size) { queries in
            withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<Float>.self, capacity: size) { lower in
                table.coarse.withUnsafeBufferPointer { columns in
                    var count = 0
                    for ladder in ladders {
                        guard let prepared = ladder.query.prepared else { continue }
                        queries.initializeElement(at: count, to: prepared.pointer)
                        lower.initializeElement(at: count, to: ladder.bounds(positions.lowerBound))
                        count += 1
                    }
                    guard let queries = queries.baseAddress, let lower = lower.baseAddress,
                        let columns = columns.baseAddress
                    else { return }
                    kernels.bound_coarse(queries, count, columns + positions.lowerBound, positions.count, next, lower)
                }
            }
        }
        return true
    }

    private func bounds(_ position: Int) -> UnsafeMutablePointer<Float> {
        lower.start + GaussianCodec.slotsPerBlock * position
    }

    /// What is left to do for one query and some blocks.
    private mutating func finish(_ positions: Range<Int>, isBounded: Bool) throws {
        let size = GaussianCodec.slotsPerBlock
        for position in positions {
            let block = table.blocks[position]
            let live = block.live.count
            report.scanned += live
            if !isBounded || !table.hasCodes[position] {
                try boundByMeans(position, live)
            } else if table.coarse[position] != nil {
                report.coarse += live
            }
            if live < size {
                let bounds = bounds(position)
                block.live.forEachDead { bounds[$0] = .infinity }
            }
        }
        for position in positions {  // one by one: the cutoff falls fast
            kernels.forEachNotAbove(seeds.cutoff, bounds(position), size) { slot, bound in
                seeds.insert(Bounded(UInt32(size * position + slot), bound))
            }
            seeds.trim()
        }
    }

    private mutating func boundByMeans(_ position: Int, _ live: Int) throws {
        let view = try table.view(position)
        if products.isEmpty { products = [Float](repeating: 0, count: GaussianCodec.slotsPerBlock) }
        kernels.table.pointee.dot_rows_f32(
            query.query.mean, view.means, view.count, query.query.dimension, &products)
        query.bound(products, view, bounds(position))
        report.means += live
    }

    // MARK: The rungs above

    /// The answer, once all blocks are scanned.
    mutating func climb() throws -> [Candidate] {
        let first = seeds.smallest()
        for (number, seed) in first.enumerated() {
            if number + 2 < first.count { try prefetch(first[number + 2].index) }
            try rank(seed.index)
            lower.start[Int(seed.index)] = .infinity  // done
        }
        let survivors = try refine(survivors())
        for (number, survivor) in survivors.enumerated() where !(survivor.lower > query.threshold(best.threshold)) {
            if number + 2 < survivors.count { try prefetch(survivors[number + 2].index) }
            try rank(survivor.index)
        }
        report.reranked = candidates.count
        candidates.sort { ($0.csd, $0.id) < ($1.csd, $1.id) }
        return Array(candidates.prefix(limit))
    }

    /// What rung one cannot exclude and is not ranked yet.
    private func survivors() -> [Bounded] {
        let size = GaussianCodec.slotsPerBlock * Self.stride
        let threshold = min(query.threshold(best.threshold), .greatestFiniteMagnitude)
        var survivors: [Bounded] = []
        for first in Swift.stride(from: 0, to: lower.count, by: size) {
            kernels.forEachNotAbove(threshold, lower.start + first, min(size, lower.count - first)) { index, bound in
                survivors.append(Bounded(UInt32(first + index), bound))
            }
        }
        return survivors
    }

    /// Rung two: what fine codes cannot exclude, best bound first.
    private mutating func refine(_ survivors: [Bounded]) throws -> [Bounded] {
        guard let prepared = query.prepared else { return survivors.sorted() }
        let size = GaussianCodec.slotsPerBlock
        var columns = [UnsafeRawPointer?](repeating: nil, count: table.blocks.count)
        var previous = -1
        var coded = 0
        for survivor in survivors {
            let position = Int(survivor.index) / size
            if position != previous {
                columns[position] = try table.fine(position)
                previous = position
            }
            if columns[position] != nil { coded += 1 }
        }
        guard coded > 0 else { return survivors.sorted() }
        let threshold = query.threshold(best.threshold)
        let indices = survivors.map(\.index)
        var bounds = [Float](repeating: -.infinity, count: survivors.count)
        kernels.table.pointee.bound_fine(prepared.pointer, columns, indices, indices.count, &bounds)
        report.fine += coded
        var left: [Bounded] = []
        for (survivor, bound) in zip(survivors, bounds) {
            let closer = max(survivor, Bounded(survivor.index, bound))
            if !(closer.lower > threshold) { left.append(closer) }
        }
        return left.sorted()
    }

    private func place(_ index: UInt32) -> (position: Int, slot: Int) {
        let (position, slot) = Int(index).quotientAndRemainder(dividingBy: GaussianCodec.slotsPerBlock)
        return (position, slot)
    }

    /// Asks for the mean of an item that will be ranked soon.
    private func prefetch(_ index: UInt32) throws {
        let (position, slot) = place(index)
        let dimension = query.query.dimension
        let mean = try table.view(position).means + slot * dimension
        for j in Swift.stride(from: 0, to: dimension, by: 16) { pk_prefetch(mean + j) }
    }

    /// The exact distance of one item.
    private mutating func rank(_ index: UInt32) throws {
        let (position, slot) = place(index)
        let block = try table.view(position)
        let gaussian = query.query
        let distance = kernels.table.pointee.squared_distance_f64(
            gaussian.mean, block.means + slot * gaussian.dimension, gaussian.dimension)
        let totalVariance = block.scalars[2 * slot + 1]
        let csd = distance + (query.totalVariance + totalVariance)
        best.insert(csd)
        candidates.append(
            Candidate(
                id: ItemID(rawValue: Int64(block.ids[slot])), csd: csd, totalVariance: totalVariance,
                squaredNorm: block.scalars[2 * slot]))
    }
}

extension Kernels {
    /// Calls `body` with the place and value of each number that is not above a threshold, ascending.
    fileprivate func forEachNotAbove(
        _ threshold: Float, _ numbers: UnsafePointer<Float>, _ count: Int, _ body: (Int, Float) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: max(count, 1)) { found in
            guard let base = found.baseAddress else { return }
            let selected = table.pointee.select_not_above(numbers, count, threshold, base)
            for place in 0..<selected { body(Int(base[place]), numbers[Int(base[place])]) }
        }
    }
}

/// One Float for every slot of a table: written by the scan, read by the climb.
private final class BoundBuffer {
    let start: UnsafeMutablePointer<Float>
    let count: Int

    /// Uninitialised.
    init(count: Int) {
        self.count = count
        start = .allocate(capacity: count)
    }

    deinit { start.deallocate() }
}
