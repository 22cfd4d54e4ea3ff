// Two Gaussians to how little they overlap.
import Glibc

extension Gaussian {
    /// The Bhattacharyya distance, in nats, summed over dimensions: minus the log of the overlap integral sqrt(p q).
    ///
    /// Lower is closer; 0 for equals, never negative, symmetric. Per dimension, u the variance of self, w that of `other`,
    /// d the difference of the means: 1/4 d^2/(u+w) + 1/2 log((u+w) / (2 sqrt(u w))).
    /// - Parameter other: a Gaussian of the same dimension.
    /// - Returns: nats, or nil where one of the two is a point.
    /// - SeeAlso: Bhattacharyya (1943); for Gaussians, Fukunaga, "Introduction to Statistical Pattern Recognition" (1990),
    ///   equation 3.152
    public func bhattacharyyaDistance(to other: Gaussian) -> Double? {
        sumOverDimensions(with: other) { u, w, squaredDifference in
            0.25 * squaredDifference / (u + w) + 0.5 * log((u + w) / 2) - 0.25 * (log(u) + log(w))
        }
    }
}
