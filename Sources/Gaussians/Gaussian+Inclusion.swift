// Two Gaussians to the direction of generality between them.
import Glibc

/// How containment is computed.
public enum ContainmentForm: Sendable, Equatable {
    /// log of the integral of p_a squared times p_b: the log-likelihood of b holding a.
    case exact
    /// The published code's `inclusion_test`, which weighs log variance twice; for reproducing papers.
    ///
    /// `eps` multiplies both inverse variances by e^eps (the notebook uses 0, the loss -10).
    case official(eps: Double)
}

extension Gaussian {
    /// Inclusion of this Gaussian in `other`, in nats, summed over dimensions: positive when `other` is the more general.
    ///
    /// log of the integral of p_a^2 p_b minus log of the integral of p_a p_b^2, in closed form and Float64;
    /// antisymmetric, 0 for equals. It tells the direction between Gaussians that match and never ranks alone: it grows
    /// with distance whenever `other` is the wider one.
    /// - Parameter other: a Gaussian of the same dimension.
    /// - Returns: nats, or nil where one of the two is a point: without variance, inclusion is undefined.
    public func inclusion(in other: Gaussian) -> Double? {
        sumOverDimensions(with: other) { u, w, squaredDifference in
            let uw = 2 * u + w
            let wu = u + 2 * w
            return 0.5 * (log(w) - log(u)) + 0.5 * log(uw / wu) + squaredDifference * (w - u) / (wu * uw)
        }
    }

    /// Containment of this Gaussian in `other`, in nats, summed over dimensions: larger when `other` holds more of this.
    ///
    /// Falls with distance but rewards a wide `other` more: it finds roots, it does not rank matches.
    /// - Parameters:
    ///   - other: a Gaussian of the same dimension.
    ///   - form: exact, or as the published code has it.
    /// - Returns: nats, or nil where one of the two is a point.
    /// - SeeAlso: `inclusion_test` in naver-ai/prolip; shared fixtures, `PROLIP.md` section 6
    public func containment(in other: Gaussian, form: ContainmentForm = .exact) -> Double? {
        switch form {
        case .exact:
            return sumOverDimensions(with: other) { u, w, squaredDifference in
                let wu = u + 2 * w
                return -0.5 * log(u) - 0.5 * log(wu) - squaredDifference / wu - log(2 * .pi)
            }
        case .official(let eps):
            let precision = exp(eps)
            return sumOverDimensions(with: other) { u, w, squaredDifference in
                let wu = u + 2 * w
                return -1.5 * log(u) - 0.5 * log(w) + 0.5 * log(2) - 0.5 * log(wu) - 0.5 * eps
                    - precision * squaredDifference / wu
            }
        }
    }

    /// Sums `term(u, w, d^2)` over the dimensions: u the variance of self, w that of `other`, d the means' difference.
    func sumOverDimensions(with other: Gaussian, term: (Double, Double, Double) -> Double) -> Double? {
        precondition(dimension == other.dimension, "Gaussians of \(dimension) and \(other.dimension) dimensions")
        guard !isPoint, !other.isPoint else { return nil }
        var sum = 0.0
        for i in 0..<dimension {
            let difference = Double(mean[i]) - Double(other.mean[i])
            sum += term(exp64(logVariance[i]), exp64(other.logVariance[i]), difference * difference)
        }
        return sum
    }
}
