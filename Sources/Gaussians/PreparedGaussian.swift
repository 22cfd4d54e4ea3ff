// A Gaussian that many others are compared with: its variances leave their logarithms once, not once a pair.
import CKernels
import Glibc

/// A Gaussian with its variances, total variance and sum of log variances at hand.
///
/// The formulas of `Gaussian` over many pairs: no exponential and one logarithm per few hundred dimensions instead of
/// several per dimension.
/// - Precondition: all formulas take Gaussians of the same dimension.
package struct PreparedGaussian: Sendable {
    /// The mean, `[D]`.
    package let mean: [Float]
    /// The variances, `[D]`.
    package let variance: [Double]
    /// The sum of the variances.
    package let totalVariance: Double
    /// The squared length of the mean.
    package let squaredNorm: Double
    /// The sum of the log variances.
    package let logVarianceSum: Double

    /// Prepares a Gaussian.
    /// - Parameter gaussian: one with spread.
    /// - Throws: `PointError` for a point: without variance there is no inclusion.
    package init(_ gaussian: Gaussian) throws(PointError) {
        guard !gaussian.isPoint else { throw PointError() }
        mean = gaussian.mean
        variance = gaussian.logVariance.map(exp64)
        totalVariance = gaussian.totalVariance
        squaredNorm = gaussian.squaredNorm
        logVarianceSum = gaussian.logVariance.reduce(0) { $0 + Double($1) }
    }

    /// The closed-form sampled distance, as `Gaussian.csd`: the same number to the bit.
    package func csd(to other: PreparedGaussian) -> Double {
        squaredMeanDistance(to: other) + (totalVariance + other.totalVariance)
    }

    /// The squared distance between the means alone.
    package func squaredMeanDistance(to other: PreparedGaussian) -> Double {
        mean.withUnsafeBufferPointer { a in
            other.mean.withUnsafeBufferPointer { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return 0 }
                return pk_squared_distance_f64(a, b, mean.count)
            }
        }
    }

    /// Inclusion of this Gaussian in `other`, in nats, as `Gaussian.inclusion`.
    package func inclusion(in other: PreparedGaussian) -> Double {
        var logarithm = LogProduct()
        let sum = sumOverDimensions(with: other) { u, w, squaredDifference in
            let uw = 2 * u + w
            let wu = u + 2 * w
            logarithm.multiply(by: uw / wu)
            return squaredDifference * (w - u) / (wu * uw)
        }
        return sum + 0.5 * (other.logVarianceSum - logVarianceSum) + 0.5 * logarithm.value
    }

    /// Containment of this Gaussian in `other`, in nats, as `Gaussian.containment`.
    package func containment(in other: PreparedGaussian, form: ContainmentForm = .exact) -> Double {
        let count = Double(mean.count)
        var logarithm = LogProduct()
        let distance = sumOverDimensions(with: other) { u, w, squaredDifference in
            let wu = u + 2 * w
            logarithm.multiply(by: wu)
            return squaredDifference / wu
        }
        switch form {
        case .exact:
            return -0.5 * logVarianceSum - 0.5 * logarithm.value - distance - count * log(2 * .pi)
        case .official(let eps):
            return -1.5 * logVarianceSum - 0.5 * other.logVarianceSum + 0.5 * count * (log(2) - eps)
                - 0.5 * logarithm.value - exp(eps) * distance
        }
    }

    /// The Kullback-Leibler divergence of `other` from this Gaussian, in nats, as `Gaussian.divergence`.
    package func divergence(to other: PreparedGaussian) -> Double {
        let sum = sumOverDimensions(with: other) { u, w, squaredDifference in (u + squaredDifference) / w }
        return 0.5 * (sum - Double(mean.count) + other.logVarianceSum - logVarianceSum)
    }

    /// The Bhattacharyya distance, in nats, as `Gaussian.bhattacharyyaDistance`.
    package func bhattacharyyaDistance(to other: PreparedGaussian) -> Double {
        var logarithm = LogProduct()
        let sum = sumOverDimensions(with: other) { u, w, squaredDifference in
            logarithm.multiply(by: (u + w) / 2)
            return squaredDifference / (u + w)
        }
        return 0.25 * sum + 0.5 * logarithm.value - 0.25 * (logVarianceSum + other.logVarianceSum)
    }

    /// Sums `term(u, w, d^2)` over the dimensions: u the variance of self, w that of `other`, d the means' difference.
    @inline(__always)
    private func sumOverDimensions(with other: PreparedGaussian, term: (Double, Double, Double) -> Double) -> Double {
        precondition(mean.count == other.mean.count, "Gaussians of \(mean.count) and \(other.mean.count) dimensions")
        return mean.withUnsafeBufferPointer { a in
            other.mean.withUnsafeBufferPointer { b in
                variance.withUnsafeBufferPointer { u in
                    other.variance.withUnsafeBufferPointer { w in
                        var sum = 0.0
                        for i in 0..<a.count {
                            let difference = Double(a[i]) - Double(b[i])
                            sum += term(u[i], w[i], difference * difference)
                        }
                        return sum
                    }
                }
            }
        }
    }
}

/// Inclusion was asked of a point.
package struct PointError: Error, CustomStringConvertible, Equatable {
    package var description: String { "a point has no variance: inclusion and generality are undefined" }

    package init() {}
}

/// The logarithm of a long product of positive factors, taken only when the product nears the ends of Float64.
private struct LogProduct {
    private var product = 1.0
    private var logarithms = 0.0

    @inline(__always)
    mutating func multiply(by factor: Double) {
        product *= factor
        if !(product > 1e-150 && product < 1e150) {
            logarithms += log(product)
            product = 1
        }
    }

    var value: Double { logarithms + log(product) }
}
