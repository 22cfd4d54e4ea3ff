// The texts or pictures of a sample to rows that lie one after the other, which many items are compared with.
import CKernels
import Gaussians

/// The means of a sample as one matrix, with what distances need besides.
package struct StrangerRows: Sendable {
    /// Strangers.
    let count: Int
    /// D.
    let dimension: Int
    /// [count, D].
    private let means: [Float]
    /// [count].
    private let totalVariances: [Double]

    /// Lays out a sample.
    init(_ strangers: [PreparedGaussian]) {
        count = strangers.count
        dimension = strangers.first?.mean.count ?? 0
        means = strangers.flatMap(\.mean)
        totalVariances = strangers.map(\.totalVariance)
    }

    /// The closed-form sampled distance to each stranger, as `PreparedGaussian.csd`: the same numbers to the bit.
    /// - Complexity: O(count * D).
    func distances(of gaussian: PreparedGaussian, kernels: Kernels = .best) -> [Double] {
        precondition(gaussian.mean.count == dimension, "Gaussians of \(gaussian.mean.count) and \(dimension) dimensions")
        var distances = [Double](repeating: 0, count: count)
        kernels.table.pointee.squared_distances_f64(gaussian.mean, means, nil, count, dimension, &distances)
        for index in 0..<count { distances[index] += gaussian.totalVariance + totalVariances[index] }
        return distances
    }
}

/// A sample arranged to tell quickly that something is not near: whom most are near to comes first.
struct StrangerSieve: Sendable {
    let count: Int
    /// [count, D], the most central first.
    let means: [Float]
    /// [count]: half of the squared length and the total variance.
    let halfBases: [Float]
    /// The longest mean.
    let largestNorm: Double

    init(_ strangers: [PreparedGaussian]) {
        let dimension = strangers.first?.mean.count ?? 0
        var centre = [Float](repeating: 0, count: dimension)
        for stranger in strangers {
            for j in 0..<dimension { centre[j] += stranger.mean[j] / Float(strangers.count) }
        }
        let bases = strangers.map { $0.squaredNorm + $0.totalVariance }
        let distances = zip(strangers, bases).map { $1 - 2 * pk_dot_f64($0.mean, centre, dimension) }
        let order = distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
        count = strangers.count
        means = order.flatMap { strangers[$0].mean }
        halfBases = order.map { Float(bases[$0] / 2) }
        largestNorm = strangers.map { $0.squaredNorm.squareRoot() }.max() ?? 0
    }
}
