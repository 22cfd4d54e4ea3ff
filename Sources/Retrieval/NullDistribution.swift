// A fixed sample of items to what strangers look like to any one Gaussian.
import Gaussians
import Glibc

/// A fixed sample of a collection or lexicon: the strangers against which closeness is judged.
package struct NullSample: Sendable {
    /// The most Gaussians a sample holds: enough for a 1 % quantile, few enough to ask for each of 100,000 items.
    package static let defaultLimit = 1_024
    /// As many tell mean and spread of the distances: each Gaussian costs a page or two of the index at the first query.
    package static let tailLimit = 256

    /// The sample, in the order of the collection.
    package let strangers: [PreparedGaussian]
    /// The standard deviation of the natural logarithm of the total variance: what one step of vagueness is to this model.
    package let vaguenessSpread: Double
    private let rows: StrangerRows

    /// Draws a sample: evenly spaced, so that it is the same each time.
    /// - Parameters:
    ///   - gaussians: the collection, at least one Gaussian.
    ///   - limit: the most to take, at least 1.
    package init(_ gaussians: [PreparedGaussian], limit: Int = NullSample.defaultLimit) {
        precondition(!gaussians.isEmpty && limit > 0, "a null distribution needs a sample")
        let count = min(limit, gaussians.count)
        strangers = (0..<count).map { gaussians[$0 * gaussians.count / count] }
        rows = StrangerRows(strangers)
        let vagueness = Moments(strangers.map { logarithm($0.totalVariance) })
        vaguenessSpread = vagueness.standardDeviation > 0 ? vagueness.standardDeviation : 1
    }

    /// What the sample looks like from one Gaussian.
    /// - Complexity: O(sample * D).
    package func distribution(of gaussian: PreparedGaussian) -> NullDistribution {
        NullDistribution(distances(of: gaussian))
    }

    /// The distances from one Gaussian, in the order of the sample.
    /// - Complexity: O(sample * D).
    func distances(of gaussian: PreparedGaussian) -> [Double] { rows.distances(of: gaussian) }

    /// What the sample looks like from one Gaussian that may be in it: whoever asks, and its copies, are no strangers to it.
    /// - Returns: the distances; nil where nobody else is there.
    /// - Complexity: O(sample * D).
    package func distribution(ofMember gaussian: PreparedGaussian) -> NullDistribution? {
        let others = zip(strangers, distances(of: gaussian)).filter { stranger, _ in
            stranger.totalVariance != gaussian.totalVariance || stranger.mean != gaussian.mean
        }
        return others.isEmpty ? nil : NullDistribution(others.map(\.1))
    }

    /// The share of the sample that is less vague, 0 to 1: "vaguer than 97 % of the lexicon".
    package func vagueness(of totalVariance: Double) -> Double {
        Double(strangers.count { $0.totalVariance < totalVariance }) / Double(strangers.count)
    }
}

/// The CSDs from one Gaussian to a fixed sample.
package struct NullDistribution: Sendable {
    /// The distances, in the sample's order.
    package let distances: [Double]
    /// Their mean.
    package let mean: Double
    /// Their standard deviation (of the sample, not an estimate of a population's).
    package let standardDeviation: Double

    /// Takes distances, at least one.
    package init(_ distances: [Double]) {
        precondition(!distances.isEmpty, "a null distribution needs a sample")
        let moments = Moments(distances)
        self.distances = distances
        mean = moments.mean
        standardDeviation = moments.standardDeviation
    }

    /// The share of the sample that is closer than a distance, 0 to 1; lower is closer.
    package func percentile(of csd: Double) -> Double {
        Double(distances.count { $0 < csd }) / Double(distances.count)
    }

    /// The distance below which a share of the sample lies, interpolated between neighbours.
    /// - Parameter share: 0 to 1; 0.01 gives the 1 % quantile.
    /// - Returns: the distance.
    package func quantile(_ share: Double) -> Double {
        let sorted = distances.sorted()
        let position = min(max(share, 0), 1) * Double(sorted.count - 1)
        let lower = Int(position)
        let upper = min(lower + 1, sorted.count - 1)
        return sorted[lower] + (position - Double(lower)) * (sorted[upper] - sorted[lower])
    }

    /// The distance below which a share of strangers would lie if they were spread normally: the lower tail of the sample.
    ///
    /// The sample's own quantile cannot tell whether the best of a collection is close: some item of the collection always
    /// lies below it. Measured on the gallery with the built-in model and without its calibration: this keeps 92 % of 395
    /// captions whose pictures are there and catches 31 % of them once those pictures are gone; the sample's quantile keeps
    /// all and catches none.
    /// - Parameter share: 0 to 0.5, both excluded.
    /// - Returns: the distance; nil for fewer than 100 strangers, which have no such tail.
    package func lowerTail(_ share: Double) -> Double? {
        guard distances.count >= 100 else { return nil }
        return mean - Self.standardNormalQuantile(1 - share) * standardDeviation
    }

    /// The quantile of the standard normal distribution above its middle, by bisection of its distribution function.
    private static func standardNormalQuantile(_ share: Double) -> Double {
        var (low, high) = (0.0, 40.0)
        while high - low > 1e-12 {
            let middle = (low + high) / 2
            if 0.5 * erfc(-middle / 2.0.squareRoot()) < share { low = middle } else { high = middle }
        }
        return low
    }

    /// The largest distance that is closer than a share of the sample leaves: `percentile(of:)` is below the share up to it.
    package func threshold(below share: Double) -> Double {
        let count = Int((share * Double(distances.count)).rounded(.up))
        guard count > 0 else { return -.infinity }
        guard count <= distances.count else { return .infinity }
        var closest = BoundedHeap(capacity: count)
        for distance in distances { closest.insert(distance) }
        return closest.threshold
    }

    /// Whether a distance is at most `threshold(below:)`, by one count.
    func isNear(_ csd: Double, within share: Double) -> Bool {
        distances.count { $0 < csd } < Int((share * Double(distances.count)).rounded(.up))
    }

    /// A distance in standard deviations from the sample's mean; lower is closer, 0 is an average stranger.
    package func standardized(_ csd: Double) -> Double {
        standardDeviation > 0 ? (csd - mean) / standardDeviation : 0
    }
}

/// Mean and standard deviation of some numbers, in their order, so that the answer is the same to the bit.
struct Moments {
    let mean: Double
    let standardDeviation: Double

    init(_ values: [Double]) {
        let mean = values.reduce(0, +) / Double(values.count)
        self.mean = mean
        standardDeviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    }
}
