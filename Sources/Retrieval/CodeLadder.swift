// One query and a table of blocks to its closest items: rung by rung, each dropping only what its bound proves.
import CKernels
import Gaussians
import Storage

/// One query's way through a collection.
///
/// 1. Every item gets a lower bound of its key: from 4-bit codes, or from Float32 means where a block has no codes.
/// 2. The items of the smallest lower bounds are ranked exactly: the `limit`-th of them is the first threshold.
/// 3. What is not above the threshold is bounded again from 8-bit codes.
/// 4. What is still not above is ranked exactly, best bound first, while the threshold falls.
struct CodeLadder {
    /// Fewer items of a block than this are quicker read one by one from the 8-bit codes.
    private static let sparse = 24

    private let table: BlockTable
    private let query: CodedQuery
    private let limit: Int
    private let kernels: Kernels
    private let lower: BoundBuffer
    private var products: [Float] = []
    private var seeds: [Bounded] = []
    private let seedCount: Int
    private var cutoff = Float.greatestFiniteMagnitude
    private var best: BoundedHeap
    private var candidates: [Candidate] = []
    private(set) var report = ScanReport()

    /// An item by its index in the table, with its lower bound; NaN, nothing known, counts as the smallest.
    private struct Bounded {
        let index: UInt32
        let lower: Float

        init(_ index: UInt32, _ lower: Float) {
            self.index = index
            self.lower = lower.isNaN ? -.infinity : lower
        }

        static func < (a: Bounded, b: Bounded) -> Bool {
            a.lower < b.lower || (a.lower == b.lower && a.index < b.index)
        }
    }

    /// Starts at the bottom, nothing scanned yet: `limit` is at least 1 and at most the table's items.
    init(_ table: BlockTable, _ query: CodedQuery, limit: Int, kernels: Kernels) {
        self.table = table
        self.query = query
        self.limit = limit
        self.kernels = kernels
        best = BoundedHeap(capacity: limit)
        seedCount = limit + limit / 2 + 16  // some to spare: the threshold they give decides what the next rung reads
        lower = BoundBuffer(count: GaussianCodec.slotsPerBlock * table.blocks.count)
    }

    /// Scans all blocks.
    mutating func scan() throws {
        for position in table.blocks.indices { try scan(position) }
    }

    /// Rung one for one block: bounds, and the smallest of them for a start.
    mutating func scan(_ position: Int) throws {
        let size = GaussianCodec.slotsPerBlock
        let block = table.blocks[position]
        let live = block.live.count
        report.scanned += live
        let bounds = lower.start + size * position
        let isBounded = boundByCodes(position, live, bounds)
        if !isBounded { try boundByMeans(position, live, bounds) }
        if live < size { block.live.forEachDead { bounds[$0] = .infinity } }
        gather(UInt32(size * position), bounds)
    }

    /// Lower bounds from codes; false where there are none.
    private mutating func boundByCodes(
        _ position: Int, _ live: Int, _ lower: UnsafeMutablePointer<Float>
    ) -> Bool {
        guard let codes = table.codes4[position] else { return false }
        let next = position + 1 < table.codes4.count ? table.codes4[position + 1] ?? codes : codes
        if live < Self.sparse {
            lower.update(repeating: -.infinity, count: GaussianCodec.slotsPerBlock)
            return true
        }
        let kernels = kernels
        let isBounded = query.withPrepared { prepared in
            guard let prepared else { return false }
            kernels.table.pointee.bound_codes4(prepared, codes, next, lower)
            return true
        }
        if isBounded { report.codes4 += live }
        return isBounded
    }

    private mutating func boundByMeans(_ position: Int, _ live: Int, _ lower: UnsafeMutablePointer<Float>) throws {
        let view = try table.view(position)
        if products.isEmpty { products = [Float](repeating: 0, count: GaussianCodec.slotsPerBlock) }
        kernels.table.pointee.dot_rows_f32(
            query.query.mean, view.means, view.count, query.query.dimension, &products)
        query.bound(products, view, lower)
        report.means += live
    }

    /// Keeps the items of the smallest bounds so far, `seedCount` of them where there are as many.
    private mutating func gather(_ first: UInt32, _ lower: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: GaussianCodec.slotsPerBlock) { found in
            guard let base = found.baseAddress else { return }
            let count = kernels.table.pointee.select_not_above(lower, GaussianCodec.slotsPerBlock, cutoff, base)
            for slot in base..<(base + count) {
                seeds.append(Bounded(first + slot.pointee, lower[Int(slot.pointee)]))
            }
        }
        if seeds.count > seedCount + seedCount / 2 + 32 { trimSeeds() }
    }

    private mutating func trimSeeds() {
        seeds.sort(by: <)
        if seeds.count > seedCount { seeds.removeLast(seeds.count - seedCount) }
        if seeds.count == seedCount, let last = seeds.last { cutoff = last.lower }
    }

    /// The answer, once all blocks are scanned.
    mutating func climb() throws -> [Candidate] {
        trimSeeds()
        for seed in seeds {
            try rank(seed.index)
            lower.start[Int(seed.index)] = .infinity  // done
        }
        let survivors = try refine(survivors())
        for survivor in survivors where !(survivor.lower > query.threshold(best.threshold)) {
            try rank(survivor.index)
        }
        report.reranked = candidates.count
        candidates.sort { ($0.csd, $0.id) < ($1.csd, $1.id) }
        return Array(candidates.prefix(limit))
    }

    /// What rung one cannot exclude and is not ranked yet.
    private func survivors() -> [Bounded] {
        let size = GaussianCodec.slotsPerBlock
        let threshold = min(query.threshold(best.threshold), .greatestFiniteMagnitude)
        var survivors: [Bounded] = []
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: size) { found in
            guard let base = found.baseAddress else { return }
            for first in stride(from: 0, to: lower.count, by: size) {
                let count = kernels.table.pointee.select_not_above(lower.start + first, size, threshold, base)
                for slot in base..<(base + count) {
                    let index = UInt32(first) + slot.pointee
                    survivors.append(Bounded(index, lower.start[Int(index)]))
                }
            }
        }
        return survivors
    }

    /// Rung two: what 8-bit codes cannot exclude, best bound first.
    private mutating func refine(_ survivors: [Bounded]) throws -> [Bounded] {
        let size = GaussianCodec.slotsPerBlock
        var columns = [UnsafeRawPointer?](repeating: nil, count: table.blocks.count)
        var previous = -1
        var coded = 0
        for survivor in survivors {
            let position = Int(survivor.index) / size
            if position != previous {
                columns[position] = try table.codes8(position)
                previous = position
            }
            if columns[position] != nil { coded += 1 }
        }
        let threshold = query.threshold(best.threshold)
        guard coded > 0 else { return survivors.sorted(by: <) }
        var bounds = [Float](repeating: -.infinity, count: survivors.count)
        let kernels = kernels
        let isBounded = query.withPrepared { prepared in
            guard let prepared else { return false }
            let indices = survivors.map(\.index)
            kernels.table.pointee.bound_codes8(prepared, columns, indices, indices.count, &bounds)
            return true
        }
        if isBounded { report.codes8 += coded }
        var left: [Bounded] = []
        for (survivor, bound) in zip(survivors, bounds) {
            let refined = Bounded(survivor.index, bound)
            let closer = refined.lower > survivor.lower ? refined : survivor
            if !(closer.lower > threshold) { left.append(closer) }
        }
        return left.sorted(by: <)
    }

    /// The exact distance of one item.
    private mutating func rank(_ index: UInt32) throws {
        let (position, slot) = Int(index).quotientAndRemainder(dividingBy: GaussianCodec.slotsPerBlock)
        let block = try table.view(position)
        let gaussian = query.query
        let distance = pk_squared_distance_f64(
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
