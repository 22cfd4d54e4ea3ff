// The value everything turns into: a diagonal Gaussian.
import CKernels

/// A diagonal Gaussian in D dimensions: where something lies, and how vague it is.
///
/// A *point* is the Gaussian of a model without uncertainty: every log variance is minus infinity.
/// - SeeAlso: "Probabilistic Language-Image Pre-Training" (ProLIP), ICLR 2025, section 3.1
public struct Gaussian: Sendable, Equatable {
    /// The mean, `[D]`; encoders normalise it to length 1.
    public var mean: [Float]
    /// The natural logarithm of the variance (not of the standard deviation), `[D]`.
    public var logVariance: [Float]

    /// Pairs a mean with its log variances.
    /// - Parameters:
    ///   - mean: `[D]`.
    ///   - logVariance: `[D]`, natural logarithm of sigma squared.
    /// - Precondition: both have the same length.
    public init(mean: [Float], logVariance: [Float]) {
        precondition(mean.count == logVariance.count, "a Gaussian needs as many log variances as means")
        self.mean = mean
        self.logVariance = logVariance
    }

    /// A Gaussian without spread, as models without an uncertainty token give.
    /// - Parameter mean: `[D]`.
    public init(point mean: [Float]) {
        self.init(mean: mean, logVariance: [Float](repeating: -.infinity, count: mean.count))
    }

    /// The number of dimensions, D.
    public var dimension: Int { mean.count }

    /// Whether this is a point: no variance in any dimension.
    public var isPoint: Bool { logVariance.allSatisfy { $0 == -.infinity } }

    /// Whether every mean is a number and every log variance too, or minus infinity throughout (a point).
    public var isFinite: Bool {
        mean.allSatisfy(\.isFinite) && (logVariance.allSatisfy(\.isFinite) || isPoint)
    }

    /// The sum of the variances over all dimensions, in Float64: the *uncertainty* shown to people.
    ///
    /// Larger is vaguer; 0 for a point.
    public var totalVariance: Double { logVariance.withUnsafeBufferPointer { Self.totalVariance($0) } }

    /// The squared length of the mean, in Float64.
    public var squaredNorm: Double { mean.withUnsafeBufferPointer(Self.squaredNorm) }

    /// The total variance of log variances in memory, `[D]`: the same bytes on every machine but where a log variance is
    /// beyond 700, which the system's `exp` takes.
    package static func totalVariance(
        _ logVariance: UnsafeBufferPointer<Float>, kernels: Kernels = .best
    ) -> Double {
        guard let base = logVariance.baseAddress else { return 0 }
        var sum = 0.0
        let isKnown = kernels.table.pointee.total_variance_f64(base, logVariance.count, &sum) != 0
        return isKnown ? sum : logVariance.reduce(0) { $0 + exp64($1) }
    }

    /// Whether two total variances of the same log variances differ by no more than ways of computing them do: what other
    /// versions of the program stored, by the system's `exp`, was not the same on every machine.
    package static func areSame(_ a: Double, _ b: Double) -> Bool {
        a == b || abs(a - b) <= 1e-11 * min(a, b)
    }

    /// The squared length of a mean in memory, `[D]`.
    package static func squaredNorm(_ mean: UnsafeBufferPointer<Float>) -> Double {
        mean.baseAddress.map { pk_dot_f64($0, $0, mean.count) } ?? 0
    }
}
