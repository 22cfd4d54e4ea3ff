// A prepared Gaussian to what the kernels of inclusion take.
import CKernels

/// A Gaussian prepared for `bound_inclusion` of CKernels.h.
package struct InclusionQuery: Sendable {
    private let mean: [Float]
    private let variance: [Float]
    private nonisolated(unsafe) let prepared: pk_inclusion_query  // its pointers are set for each use

    /// Prepares a Gaussian; nil where its numbers leave the range that the kernels can bound.
    package init?(_ gaussian: PreparedGaussian) {
        let dimension = gaussian.mean.count
        var mean = [Float](repeating: 0, count: (dimension + 15) / 16 * 16)
        var variance = mean
        let prepared = mean.withUnsafeMutableBufferPointer { mean in
            variance.withUnsafeMutableBufferPointer { variance -> pk_inclusion_query? in
                guard let mean = mean.baseAddress, let variance = variance.baseAddress else { return nil }
                return withUnsafeTemporaryAllocation(of: pk_inclusion_query.self, capacity: 1) { out in
                    guard let out = out.baseAddress,
                        pk_prepare_inclusion(
                            gaussian.mean, gaussian.variance, gaussian.logVarianceSum, dimension, mean, variance, out)
                            != 0
                    else { return nil }
                    return out.pointee
                }
            }
        }
        guard let prepared else { return nil }
        (self.mean, self.variance, self.prepared) = (mean, variance, prepared)
    }

    /// Hands out the query as the kernels take it.
    package func withPrepared<T>(_ body: (UnsafePointer<pk_inclusion_query>) throws -> T) rethrows -> T {
        try mean.withUnsafeBufferPointer { mean in
            try variance.withUnsafeBufferPointer { variance in
                guard let mean = mean.baseAddress, let variance = variance.baseAddress else {
                    preconditionFailure("a Gaussian has a dimension")
                }
                var prepared = prepared
                prepared.mean = mean
                prepared.variance = variance
                return try withUnsafePointer(to: prepared) { try body($0) }
            }
        }
    }
}
