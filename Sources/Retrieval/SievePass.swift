// A block of items to the slots that may answer: one thread's way through a collection, with the memory it needs.
import CKernels
import Gaussians
import Storage

/// Drops from block after block what a bound of the rule excludes, the cheapest bound first.
struct SievePass {
    /// More than Float64 can lose in sums of a few thousand terms, relative to the numbers compared.
    private static let slack = 1e-9

    private let x: PreparedGaussian
    private let bounds: GeneralityBounds
    private let kernels: Kernels
    private let inclusion: InclusionQuery?
    private let crowd: CentralStrangers?
    private var distances = [Double](repeating: 0, count: GaussianCodec.slotsPerBlock)
    private var containments = [Double](repeating: 0, count: 4 * GaussianCodec.slotsPerBlock)
    private var comparison = CrowdComparison()

    init(
        _ x: PreparedGaussian, _ bounds: GeneralityBounds, _ kernels: Kernels, _ inclusion: InclusionQuery?,
        _ crowd: CentralStrangers?
    ) {
        (self.x, self.bounds, self.kernels, self.inclusion, self.crowd) = (x, bounds, kernels, inclusion, crowd)
    }

    /// What may answer, ascending.
    mutating func slots(in block: InclusionBlock) -> [UInt32] {
        var slots: [UInt32] = []
        block.view.live.intersection(.full, below: block.view.count).forEachLive { slots.append(UInt32($0)) }
        if let ratio = bounds.ratio { slots.removeAll { isTooAlike(block.view.scalars[2 * Int($0) + 1], ratio) } }
        if let distance = bounds.distance {
            keep(&slots, block) { csd, _ in csd <= distance + Self.slack * abs(distance) }
        }
        if let (scale, from) = bounds.match {
            keep(&slots, block) { [x] csd, squaredNorm in
                let logit = scale.logit(csd: csd, squaredNorms: x.squaredNorm + squaredNorm)
                // Slack of the logit moves the probability by a quarter of it at most.
                let slack = Self.slack * (1 + abs(scale.slope) * (abs(scale.scale) * (csd + 2) + abs(scale.bias)))
                return scale.probability(logit: logit) >= from - slack
            }
        }
        if let margin = bounds.margin, let halves = block.halves { dropOutside(&slots, block, halves, margin) }
        if let closer = bounds.closer, let crowd, !slots.isEmpty {
            measure(slots, block)
            slots = comparison.keeping(
                slots, block, distances: distances, crowd, closer: closer, mayHoldCopies: bounds.mayHoldCopies,
                kernels)
        }
        return slots
    }

    private func isTooAlike(_ totalVariance: Double, _ ratio: Double) -> Bool {
        let (outer, inner) =
            bounds.direction == .general ? (totalVariance, x.totalVariance) : (x.totalVariance, totalVariance)
        return !(outer * (1 + Self.slack) > ratio * inner)
    }

    /// The distances from X to some slots of a block, in their order.
    private mutating func measure(_ slots: [UInt32], _ block: InclusionBlock) {
        kernels.table.pointee.squared_distances_f64(
            x.mean, block.view.means, slots, slots.count, x.mean.count, &distances)
        for (place, slot) in slots.enumerated() {
            distances[place] += x.totalVariance + block.view.scalars[2 * Int(slot) + 1]
        }
    }

    /// Keeps what a test of distance and squared length of the mean does not drop.
    private mutating func keep(
        _ slots: inout [UInt32], _ block: InclusionBlock, _ test: (_ csd: Double, _ squaredNorm: Double) -> Bool
    ) {
        guard !slots.isEmpty else { return }
        measure(slots, block)
        var kept = 0
        for (place, slot) in slots.enumerated() where test(distances[place], block.view.scalars[2 * Int(slot)]) {
            slots[kept] = slot
            kept += 1
        }
        slots.removeLast(slots.count - kept)
    }

    /// Drops what surely is not included, or does not include.
    private mutating func dropOutside(
        _ slots: inout [UInt32], _ block: InclusionBlock, _ halves: UnsafeRawPointer, _ margin: Double
    ) {
        guard let inclusion, !slots.isEmpty else { return }
        let size = GaussianCodec.slotsPerBlock
        inclusion.withPrepared { query in
            kernels.table.pointee.bound_inclusion(
                query, halves, block.view.means, slots, slots.count, &containments)
        }
        var kept = 0
        for (place, slot) in slots.enumerated() {
            let upward = containments[place] - containments[size + place]  // of X in the item
            let inclusion = bounds.direction == .general ? upward : -upward
            let error = containments[2 * size + place] + containments[3 * size + place]
            if inclusion + error <= margin { continue }
            slots[kept] = slot
            kept += 1
        }
        slots.removeLast(slots.count - kept)
    }
}
