// One query and a table of blocks to its closest items: rung by rung, each dropping only what its bound proves.
import CKernels
import Gaussians
import Storage

/// One query's way through a collection.
///
/// 1. Every item gets a lower bound of its key: from coarse codes, or from Float32 means where a block has no codes.
/// 2. The items of the smallest lower bounds are ranked exactly: the `limit`-th of them is the first threshold.
/// 3. What is not above the threshold is bounded again from residual codes, and the best of it ranked: the second threshold.
/// 4. What is not above that is bounded again from fine codes.
/// 5. What is still not above is ranked exactly, best bound first, while the threshold falls.
///
/// Many queries together read fine codes at once instead of rungs one to three: shared by all they cost little more to read,
/// and next to nothing is left.
struct CodeLadder {
    /// Blocks that are scanned before their bounds are looked at: these and the codes stay in the second cache.
    private static let stride = 8

    private let table: BlockTable
    fileprivate let query: CodedQuery
    private let limit: Int
    fileprivate let kernels: Kernels
    private let lower: BoundBuffer
    private var products: [Float] = []
    private var seeds: SeedSelection
    private var best: BoundedHeap
    private var candidates: [Candidate] = []
    private var left = Survivors()
    private let rows: StoredRowPointers
    /// Where the bounds come from of blocks whose codes are read.
    private enum Source { case means, coarseCodes, fineCodes }
    private var source = Source.coarseCodes
    /// From so many queries on, fine codes are read at once.
    private static let many = 8
    private(set) var report = ScanReport()

    /// Starts at the bottom, nothing scanned yet: `limit` is at least 1 and at most the table's items.
    ///
    /// Ladders that one thread climbs share `rows`.
    init(_ table: BlockTable, _ rows: StoredRowPointers, _ query: CodedQuery, limit: Int, kernels: Kernels) {
        self.table = table
        self.rows = rows
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
        if try scanFineCodes(&ladders, table) { return }
        let groups = Swift.stride(from: 0, to: ladders.count, by: Int(PK_QUERIES)).map { first in
            CoarseGroup(ladders, first..<min(first + Int(PK_QUERIES), ladders.count))
        }
        let count = table.blocks.count
        var starts = Array(Swift.stride(from: 0, to: count, by: stride))
        if table.isReversed { starts.reverse() }
        for (number, first) in starts.enumerated() {
            let positions = first..<min(first + stride, count)
            let next = number + 1 < starts.count ? table.coarse[starts[number + 1]] : nil
            for group in groups {
                let source = group.scan(table, positions, next) ? Source.coarseCodes : .means
                for index in group.range { try ladders[index].finish(positions, source) }
            }
        }
    }

    /// The same from fine codes, where there are many queries and codes and instructions serve them.
    private static func scanFineCodes(_ ladders: inout [CodeLadder], _ table: BlockTable) throws -> Bool {
        guard (many...Int(PK_TOGETHER)).contains(ladders.count),
            ladders[0].query.query.dimension <= Int(PK_TOGETHER_D),
            let kernel = ladders[0].kernels.table.pointee.bound_fine_blocks,
            ladders.allSatisfy({ $0.query.prepared?.isCertain == true })
        else { return false }
        let columns = try table.codesOfScanned(.fineCodes)
        guard zip(columns, table.coarse).allSatisfy({ ($0 == nil) == ($1 == nil) }) else { return false }
        let queries = ladders.compactMap { $0.query.prepared?.pointer }
        for first in Swift.stride(from: 0, to: columns.count, by: stride) {
            let positions = first..<min(first + stride, columns.count)
            kernel(
                queries, queries.count, Array(columns[positions]), positions.count, ladders.map { $0.bounds(first) })
            for index in ladders.indices { try ladders[index].finish(positions, .fineCodes) }
        }
        return true
    }

    fileprivate func bounds(_ position: Int) -> UnsafeMutablePointer<Float> {
        lower.start + GaussianCodec.slotsPerBlock * position
    }

    /// What is left to do for one query and some blocks.
    private mutating func finish(_ positions: Range<Int>, _ source: Source) throws {
        let size = GaussianCodec.slotsPerBlock
        self.source = source
        for position in positions {
            let live = table.liveCounts[position]
            report.scanned += live
            if source == .means || !table.hasCodes[position] {
                try boundByMeans(position, live)
            } else if table.coarse[position] != nil {
                if source == .fineCodes { report.fine += live } else { report.coarse += live }
            }
            guard live < size else { continue }
            let block = table.blocks[position]
            let bounds = bounds(position)
            if source != .means, table.hasCodes[position], table.coarse[position] == nil {
                bounds.update(repeating: .infinity, count: size)
                block.live.forEachLive { bounds[$0] = -.infinity }  // few, and nothing known of them
            } else {
                block.live.forEachDead { bounds[$0] = .infinity }
            }
        }
        // One by one while the cutoff falls fast.
        let step = seeds.cutoff < .greatestFiniteMagnitude ? positions.count : 1
        for first in Swift.stride(from: positions.lowerBound, to: positions.upperBound, by: step) {
            kernels.forEachNotAbove(seeds.cutoff, bounds(first), size * step) { place, bound in
                seeds.insert(Bounded(UInt32(size * first + place), bound))
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

    /// The answers, once all blocks are scanned.
    static func climb(_ ladders: inout [CodeLadder], _ table: BlockTable) throws -> [[Candidate]] {
        for index in ladders.indices { try ladders[index].start() }
        try raiseByResiduals(&ladders, table)
        return try ladders.indices.map { try ladders[$0].end() }
    }

    /// The first threshold, and what coarse codes cannot exclude.
    private mutating func start() throws {
        try rankClosest(seeds.smallest())
        guard !(threshold < seeds.cutoff) else { return }  // no other item is below
        left = Survivors(kernels, lower.start, lower.count, min(threshold, .greatestFiniteMagnitude))
    }

    /// Rung two: what residual codes exclude, where certain bounds are asked for.
    ///
    /// Several queries go through the blocks together, some at a time: what one has read is in the second cache for the next.
    private static func raiseByResiduals(_ ladders: inout [CodeLadder], _ table: BlockTable) throws {
        let raising = ladders.indices.filter {
            let ladder = ladders[$0]
            return ladder.query.prepared?.isCertain == true && ladder.source == .coarseCodes
                && ladder.left.count > ladder.limit
        }
        guard !raising.isEmpty else { return }
        let columns = try table.codesOfScanned(.residualCodes)
        let step = raising.count == 1 ? columns.count : stride
        for first in Swift.stride(from: 0, to: columns.count, by: step) {
            for index in raising { ladders[index].raiseByResiduals(columns, to: first + step) }
        }
        for index in raising { try ladders[index].dropRaised() }
    }

    /// Drops what residual codes exclude.
    ///
    /// Where much is left, the best of it is ranked first, so that the threshold falls.
    private mutating func dropRaised() throws {
        left.drop(above: threshold)
        guard left.count > 4 * limit else { return }
        try rankClosest(left.takeClosest(limit))
        left.drop(above: threshold)
    }

    private mutating func raiseByResiduals(_ columns: [UnsafeRawPointer?], to position: Int) {
        guard let prepared = query.prepared else { return }
        let raise = kernels.table.pointee.raise_by_residuals
        var raised = 0
        left.withNext(below: GaussianCodec.slotsPerBlock * position) { indices, count, bounds in
            raised = raise(prepared.pointer, columns, indices, count, bounds)
        }
        report.residual += raised
    }

    /// Rungs three and four: fine codes, then exact distances, best bound first, while the threshold falls.
    private mutating func end() throws -> [Candidate] {
        try raiseByFineCodes()
        try rankClosest(left.sorted())
        report.reranked = candidates.count
        candidates.sort { ($0.csd, $0.id) < ($1.csd, $1.id) }
        return Array(candidates.prefix(limit))
    }

    private mutating func raiseByFineCodes() throws {
        guard let prepared = query.prepared, left.count > 0 else { return }
        let columns = try table.codes(.fineCodes)
        let bound = kernels.table.pointee.bound_fine
        report.fine += left.count {
            let position = Int($0) / GaussianCodec.slotsPerBlock
            let isCounted = source == .fineCodes && table.coarse[position] != nil
            return columns[position] != nil && !isCounted
        }
        left.raise { indices, count, bounds in bound(prepared.pointer, columns, indices, count, bounds) }
        left.drop(above: threshold)
    }

    /// What no item among the closest has its lower bound above, as far as is known.
    private var threshold: Float { query.threshold(best.threshold) }

    /// So many items before one is ranked, its rows are asked for.
    private static let ahead = 2

    /// Ranks items exactly, best bound first, as far as the falling threshold reaches.
    private mutating func rankClosest(_ items: [Bounded]) throws {
        for item in items.prefix(Self.ahead) { try rows.prefetch(item.index) }
        for (number, item) in items.enumerated() {
            if item.lower > threshold { return }  // nor is any later one below
            if number + Self.ahead < items.count { try rows.prefetch(items[number + Self.ahead].index) }
            try rank(item.index)
            lower.start[Int(item.index)] = .infinity  // done
        }
    }

    /// The exact distance of one item.
    private mutating func rank(_ index: UInt32) throws {
        let row = try rows[index]
        let distance = query.query.mean.withUnsafeBufferPointer { mean in
            mean.baseAddress.map {
                kernels.table.pointee.squared_distance_f64($0, row.mean, mean.count)
            } ?? 0
        }
        let totalVariance = row.scalars[1]
        let csd = distance + (query.totalVariance + totalVariance)
        best.insert(csd)
        candidates.append(
            Candidate(
                id: ItemID(rawValue: Int64(row.id.pointee)), csd: csd, totalVariance: totalVariance,
                squaredNorm: row.scalars[0]))
    }
}

extension Kernels {
    /// Calls `body` with the place and value of each number that is not above a threshold, ascending.
    fileprivate func forEachNotAbove(
        _ threshold: Float, _ numbers: UnsafePointer<Float>, _ count: Int, _ body: (Int, Float) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: max(count, 1)) { found in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: max(count, 1)) { values in
                guard let base = found.baseAddress, let values = values.baseAddress else { return }
                let selected = table.pointee.select_not_above(numbers, count, threshold, base, values)
                for place in 0..<selected { body(Int(base[place]), values[place]) }
            }
        }
    }
}

/// Queries that share a reading of coarse codes: what the kernel takes of their ladders, gathered once.
private struct CoarseGroup {
    /// Whose ladders they are.
    let range: Range<Int>
    private let kernels: Kernels
    /// Fewer than the ladders where codes do not serve one.
    private let queries: [UnsafePointer<pk_code_query>]
    /// Where the bounds of each begin: the ladders outlive the scan.
    private let lower: [UnsafeMutablePointer<Float>]

    /// Those of a range that is not empty.
    init(_ ladders: [CodeLadder], _ range: Range<Int>) {
        self.range = range
        kernels = ladders[range.lowerBound].kernels
        queries = ladders[range].compactMap { $0.query.prepared?.pointer }
        lower = ladders[range].map { $0.bounds(0) }
    }

    /// Bounds the items of some blocks; false where codes do not serve a query.
    func scan(_ table: BlockTable, _ positions: Range<Int>, _ next: UnsafeRawPointer?) -> Bool {
        guard queries.count == range.count else { return false }
        let first = GaussianCodec.slotsPerBlock * positions.lowerBound
        table.coarse.withUnsafeBufferPointer { columns in
            guard let columns = columns.baseAddress else { return }
            kernels.table.pointee.bound_coarse(
                queries, queries.count, columns + positions.lowerBound, positions.count, next, lower.map { $0 + first })
        }
        return true
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
