// A sample to rows that lie one after the other, which many items are compared with.
import COpenBLAS
import CKernels
import Gaussians
import Storage

/// The means of a sample as one matrix, with what distances need besides.
struct StrangerRows: Sendable {
    private let dimension: Int
    /// [count, D].
    private let means: [Float]
    /// [count].
    private let totalVariances: [Double]

    /// Lays out a sample.
    init(_ strangers: [PreparedGaussian]) {
        dimension = strangers.first?.mean.count ?? 0
        means = strangers.flatMap(\.mean)
        totalVariances = strangers.map(\.totalVariance)
    }

    /// The closed-form sampled distance to each stranger, as `PreparedGaussian.csd`: the same numbers to the bit.
    /// - Complexity: O(sample * D).
    func distances(of gaussian: PreparedGaussian, kernels: Kernels = .best) -> [Double] {
        precondition(
            gaussian.mean.count == dimension, "Gaussians of \(gaussian.mean.count) and \(dimension) dimensions")
        var distances = [Double](repeating: 0, count: totalVariances.count)
        kernels.table.pointee.squared_distances_f64(
            gaussian.mean, means, nil, distances.count, dimension, &distances)
        for index in distances.indices { distances[index] += gaussian.totalVariance + totalVariances[index] }
        return distances
    }
}

/// A sample in an order that soon tells that something is not near: those that everything is near to come first.
struct CentralStrangers: Sendable {
    let dimension: Int
    /// [count, D].
    let means: [Float]
    /// [count]: half of squared length and total variance.
    let halfBases: [Float]
    /// The largest of these.
    let largestHalfBase: Double
    /// The length of the longest mean.
    let largestNorm: Double

    init(_ strangers: [PreparedGaussian]) {
        dimension = strangers.first?.mean.count ?? 0
        var centre = [Float](repeating: 0, count: dimension)
        for stranger in strangers {
            for j in centre.indices { centre[j] += stranger.mean[j] / Float(strangers.count) }
        }
        let bases = strangers.map { $0.squaredNorm + $0.totalVariance }
        let distances = zip(strangers, bases).map { $1 - 2 * pk_dot_f64($0.mean, centre, centre.count) }
        let order = distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
        means = order.flatMap { strangers[$0].mean }
        halfBases = order.map { Float(bases[$0] / 2) }
        largestHalfBase = (bases.max() ?? 0) / 2
        largestNorm = strangers.map { $0.squaredNorm.squareRoot() }.max() ?? 0
    }
}

/// Items against strangers, some at a time, by blocked products: which items have so many closer that X is far.
///
/// A stranger s is closer to the item y than X is when |y|^2 + |s|^2 + total variances - 2 y.s < CSD(y, X), that is when
/// y.s - (|s|^2 + total variance of s)/2 is above a threshold of the item's. Products are off by (D + 4) 2^-24 |y| |s| at most, in
/// any order of summation; the threshold is raised by that and more, so that only what surely is closer counts.
struct CrowdComparison {
    private var rows: [Float] = []
    private var products: [Float] = []
    /// Strangers a turn: most items have enough closer ones among the first few.
    private static let turns = [64, 64, 128, 256]

    init() { openblas_set_num_threads(1) }

    /// An item on its way.
    private struct Entry {
        let slot: UInt32
        /// Products less half bases above this are of strangers closer than X.
        let threshold: Float
        /// And above this may be of copies of the item.
        let copies: Float
        var closer = 0
    }

    /// The slots for which fewer than `closer` strangers are found surely closer than X.
    /// - Parameters:
    ///   - slots: of the block.
    ///   - block: where their means lie.
    ///   - distances: from X to each slot.
    ///   - crowd: the strangers.
    ///   - closer: how many are enough, at least 1.
    ///   - mayHoldCopies: whether strangers may be the items themselves, which do not count.
    ///   - kernels: the instruction set that counts.
    /// - Returns: those left, in order.
    mutating func keeping(
        _ slots: [UInt32], _ block: InclusionBlock, distances: [Double], _ crowd: CentralStrangers, closer: Int,
        mayHoldCopies: Bool, _ kernels: Kernels
    ) -> [UInt32] {
        guard closer > 0 else { return [] }
        let dimension = crowd.dimension
        var entries: [Entry] = []
        rows.removeAll(keepingCapacity: true)
        for (place, slot) in slots.enumerated() {
            entries.append(Self.entry(slot, block, distances[place], crowd, mayHoldCopies: mayHoldCopies))
            rows += UnsafeBufferPointer(start: block.view.means + Int(slot) * dimension, count: dimension)
        }
        var first = 0
        for turn in Self.turns + [crowd.halfBases.count] where !entries.isEmpty {
            let count = min(turn, crowd.halfBases.count - first)
            guard count > 0 else { break }
            compare(&entries, crowd, first, count, kernels)
            first += count
            drop(&entries, closer, dimension)
        }
        return entries.map(\.slot)
    }

    private static func entry(
        _ slot: UInt32, _ block: InclusionBlock, _ csd: Double, _ crowd: CentralStrangers, mayHoldCopies: Bool
    ) -> Entry {
        let (squaredNorm, variance) = (block.view.scalars[2 * Int(slot)], block.view.scalars[2 * Int(slot) + 1])
        let size = squaredNorm.squareRoot() * crowd.largestNorm
        let error =
            Double(crowd.dimension + 12) * 0x1p-24 * size + 0x1p-22
            * (crowd.largestHalfBase + abs(csd) + squaredNorm + variance)
        let threshold = Float((squaredNorm + variance - csd) / 2 + error).nextUp
        let copies = Float((squaredNorm - variance) / 2 - error).nextDown
        return Entry(slot: slot, threshold: threshold, copies: mayHoldCopies ? max(copies, threshold) : .infinity)
    }

    /// Counts some strangers for all items.
    private mutating func compare(
        _ entries: inout [Entry], _ crowd: CentralStrangers, _ first: Int, _ count: Int, _ kernels: Kernels
    ) {
        let (dimension, items) = (crowd.dimension, entries.count)
        if products.count < items * count { products = [Float](repeating: 0, count: items * count) }
        crowd.means.withUnsafeBufferPointer { means in
            guard let means = means.baseAddress else { return }
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasTrans, Int32(items), Int32(count), Int32(dimension), 1, rows,
                Int32(dimension), means + first * dimension, Int32(dimension), 0, &products, Int32(count))
        }
        products.withUnsafeBufferPointer { products in
            crowd.halfBases.withUnsafeBufferPointer { bases in
                guard let products = products.baseAddress, let bases = bases.baseAddress else { return }
                let countAbove = kernels.table.pointee.count_above
                for place in entries.indices {
                    let row = products + place * count
                    entries[place].closer += countAbove(row, bases + first, count, entries[place].threshold)
                    if entries[place].copies < .infinity {
                        entries[place].closer -= countAbove(row, bases + first, count, entries[place].copies)
                    }
                }
            }
        }
    }

    /// Drops items with enough closer strangers, and their rows.
    private mutating func drop(_ entries: inout [Entry], _ closer: Int, _ dimension: Int) {
        var kept = 0
        rows.withUnsafeMutableBufferPointer { rows in
            guard let rows = rows.baseAddress else { return }
            for place in entries.indices where entries[place].closer < closer {
                if kept < place {
                    (rows + kept * dimension).update(from: rows + place * dimension, count: dimension)
                    entries[kept] = entries[place]
                }
                kept += 1
            }
        }
        entries.removeLast(entries.count - kept)
    }
}
