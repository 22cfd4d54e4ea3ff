// Two Gaussians to their closeness.
import CKernels
import Glibc

/// e^x in Float64.
@inline(__always) func exp64(_ x: Float) -> Double { exp(Double(x)) }

extension Gaussian {
    /// The closed-form sampled distance: the expected squared distance between a sample of each.
    ///
    /// Lower is closer. |mean a - mean b|^2 + total variance of a + total variance of b, in Float64.
    /// - Parameter other: a Gaussian of the same dimension.
    /// - Returns: the distance, at least 0.
    /// - SeeAlso: ProLIP, equation 1; PCME++ (ICLR 2024), section 3.1
    public func csd(to other: Gaussian) -> Double {
        squaredMeanDistance(to: other) + (totalVariance + other.totalVariance)
    }

    /// The squared distance between the means alone, in Float64 and an order fixed for every instruction set.
    /// - Parameter other: a Gaussian of the same dimension.
    /// - Returns: the distance, at least 0.
    public func squaredMeanDistance(to other: Gaussian) -> Double {
        other.mean.withUnsafeBufferPointer(squaredDistance(toMean:))
    }

    /// The squared distance to another mean `[D]`, as `squaredMeanDistance` gives it.
    package func squaredDistance(toMean other: UnsafeBufferPointer<Float>) -> Double {
        precondition(dimension == other.count, "Gaussians of \(dimension) and \(other.count) dimensions")
        return mean.withUnsafeBufferPointer { mean in
            guard let a = mean.baseAddress, let b = other.baseAddress else { return 0 }
            return pk_squared_distance_f64(a, b, mean.count)
        }
    }
}

/// What turns a distance into a logit and a probability: the scale and bias a model was trained with, and its calibration.
///
/// Defined between a picture and a text only, as the models are trained.
public struct MatchScale: Sendable, Equatable {
    /// The exponential of the checkpoint's `logit_scale`.
    public var scale: Double
    /// The checkpoint's `logit_bias`; 0 where it has none.
    public var bias: Double
    /// Platt's slope: probability = sigmoid(slope * logit + offset); 1 without a calibration.
    public var slope: Double
    /// Platt's offset; 0 without a calibration.
    public var offset: Double

    /// Collects scale, bias and calibration.
    public init(scale: Double, bias: Double, slope: Double = 1, offset: Double = 0) {
        self.scale = scale
        self.bias = bias
        self.slope = slope
        self.offset = offset
    }

    /// The match logit of a pair.
    ///
    /// Higher is closer: scale * (dot product of the means - half of both total variances) + bias.
    /// - Parameters:
    ///   - csd: the closed-form sampled distance of the pair.
    ///   - squaredNorms: the sum of the squared lengths of both means, 2 when both are normalised.
    /// - Returns: the logit, before calibration.
    /// - SeeAlso: `loss.py` of naver-ai/prolip
    public func logit(csd: Double, squaredNorms: Double) -> Double {
        scale * (squaredNorms - csd) / 2 + bias
    }

    /// The calibrated probability that the pair matches, 0 to 1.
    ///
    /// Higher is closer.
    public func probability(logit: Double) -> Double {
        1 / (1 + exp(-(slope * logit + offset)))
    }
}
