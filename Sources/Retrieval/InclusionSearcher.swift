// A query Gaussian to the items of a collection with the largest containment or inclusion: bounded from half-precision
// variances, then ranked exactly.
import CKernels
import Dispatch
import Gaussians
import Storage
import Synchronization

/// What items are ranked by, in nats; larger comes first.
package enum InclusionMeasure: Sendable, CaseIterable {
    /// Containment of the query in the item: the log-likelihood of the item holding the query.
    case containment
    /// Containment of the item in the query.
    case containmentOfItem
    /// Inclusion of the query in the item.
    case inclusion

    /// The figure by the formula, in Float64.
    package func exact(_ query: PreparedGaussian, _ item: PreparedGaussian) -> Double {
        switch self {
        case .containment: query.containment(in: item)
        case .containmentOfItem: item.containment(in: query)
        case .inclusion: query.inclusion(in: item)
        }
    }
}

/// An item and its figure.
package struct InclusionCandidate: Sendable, Equatable {
    /// Which item.
    package let id: ItemID
    /// Where it lies.
    package let placement: Placement
    /// Nats, Float64, by the exact formula.
    package let nats: Double

    package init(id: ItemID, placement: Placement, nats: Double) {
        self.id = id
        self.placement = placement
        self.nats = nats
    }
}

/// Exact search by containment or inclusion over the live items of a collection.
///
/// Every item's figure is bounded from above and below from half-precision variances; what the `limit`-th largest lower bound
/// does not exclude is computed in Float64. The answer is that of a full Float64 scan, whatever instruction set bounds.
/// Neither figure ranks matches: a wide item holds everything. They find roots, and order what is known to be related.
package struct InclusionSearcher: Sendable {
    private let query: PreparedGaussian
    private let prepared: InclusionQuery?
    private let kernels: Kernels
    private static let blocksPerTurn = 8

    /// Prepares a query.
    package init(query: PreparedGaussian, kernels: Kernels = .best) {
        (self.query, self.kernels) = (query, kernels)
        prepared = InclusionQuery(query)
    }

    /// The items with the largest figures, largest first; ties by item id.
    /// - Parameters:
    ///   - limit: the most items to return, at least 0.
    ///   - measure: what orders.
    ///   - blocks: where to look.
    ///   - threads: how many to use, at least 1.
    /// - Returns: the items, and for how many the formula was computed.
    /// - Throws: `PointError` where an item that may be among them is a point.
    /// - Complexity: reads 6 D bytes of every item once, and of a few 8 D.
    package func largest(
        _ limit: Int, by measure: InclusionMeasure, in blocks: [InclusionBlock], threads: Int
    ) throws -> (candidates: [InclusionCandidate], reranked: Int) {
        guard limit > 0, !blocks.isEmpty else { return ([], 0) }
        let passes = Mutex<[InclusionPass]>([])
        let next = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: max(threads, 1)) { _ in
            var pass = InclusionPass(limit: limit)
            while let first = next.withLock({ next in
                defer { next += Self.blocksPerTurn }
                return next < blocks.count ? next : nil
            }) {
                for position in first..<min(first + Self.blocksPerTurn, blocks.count) {
                    pass.scan(blocks[position], position, prepared, measure, kernels)
                }
            }
            passes.withLock { [pass] in $0.append(pass) }
        }
        return try rank(passes.withLock { $0 }, limit, measure, blocks)
    }

    private func rank(
        _ passes: [InclusionPass], _ limit: Int, _ measure: InclusionMeasure, _ blocks: [InclusionBlock]
    ) throws -> (candidates: [InclusionCandidate], reranked: Int) {
        var all = BoundedHeap(capacity: limit)
        for pass in passes { for lower in pass.lower.smallest { all.insert(lower) } }
        let left = passes.flatMap(\.bounded).filter { !(-$0.upper > all.threshold) }
        let candidates = try left.map { bounded in
            let block = blocks[bounded.position]
            let item = try PreparedGaussian(block.gaussian(bounded.slot))
            return InclusionCandidate(
                id: ItemID(rawValue: Int64(block.view.ids[bounded.slot])),
                placement: Placement(block: block.block.number, slot: bounded.slot), nats: measure.exact(query, item))
        }
        let sorted = candidates.sorted { ($1.nats, $0.id) < ($0.nats, $1.id) }
        return (Array(sorted.prefix(limit)), candidates.count)
    }
}

/// One thread's way through blocks: which items may be among the largest.
private struct InclusionPass: Sendable {
    /// An item with the most its figure can be.
    struct Bounded: Sendable {
        let position: Int
        let slot: Int
        let upper: Double
    }

    /// The smallest of the negated lower bounds, that is the largest of the lower bounds.
    private(set) var lower: BoundedHeap
    private(set) var bounded: [Bounded] = []
    private var slots: [UInt32] = []
    private var containments = [Double](repeating: 0, count: 4 * GaussianCodec.slotsPerBlock)

    init(limit: Int) { lower = BoundedHeap(capacity: limit) }

    /// Bounds a block's items and keeps those that may be among the largest so far.
    mutating func scan(
        _ block: InclusionBlock, _ position: Int, _ query: InclusionQuery?, _ measure: InclusionMeasure,
        _ kernels: Kernels
    ) {
        slots.removeAll(keepingCapacity: true)
        block.view.live.intersection(.full, below: block.view.count).forEachLive { slots.append(UInt32($0)) }
        guard let query, let halves = block.halves else {
            bounded += slots.map { Bounded(position: position, slot: Int($0), upper: .infinity) }
            return
        }
        query.withPrepared {
            kernels.table.pointee.bound_inclusion(
                $0, halves, block.view.means, slots, slots.count, &containments)
        }
        let size = GaussianCodec.slotsPerBlock
        containments.withUnsafeBufferPointer { rows in
            for (place, slot) in slots.enumerated() {
                let (value, error) =
                    switch measure {
                    case .containment: (rows[place], rows[2 * size + place])
                    case .containmentOfItem: (rows[size + place], rows[3 * size + place])
                    case .inclusion:
                        (rows[place] - rows[size + place], rows[2 * size + place] + rows[3 * size + place])
                    }
                guard !(-(value + error) > lower.threshold) else { continue }
                lower.insert(error - value)
                bounded.append(Bounded(position: position, slot: Int(slot), upper: value + error))
            }
        }
    }
}
