// Two Gaussians to what is lost by taking one for the other.
import Glibc

extension Gaussian {
    /// The Kullback-Leibler divergence KL(self || other), in nats, summed over dimensions.
    ///
    /// Lower is closer; 0 for equals, never negative, not symmetric. Small when `other` is wide enough to cover this one.
    /// Per dimension, u the variance of self, w that of `other`, d the difference of the means:
    /// 1/2 (log(w/u) + (u + d^2)/w - 1).
    /// - Parameter other: a Gaussian of the same dimension.
    /// - Returns: nats, or nil where one of the two is a point.
    /// - SeeAlso: Kullback and Leibler, "On Information and Sufficiency" (1951); for Gaussians, Bishop, "Pattern
    ///   Recognition and Machine Learning" (2006), exercise 1.30
    public func divergence(to other: Gaussian) -> Double? {
        sumOverDimensions(with: other) { u, w, squaredDifference in
            0.5 * (log(w) - log(u) + (u + squaredDifference) / w - 1)
        }
    }
}
