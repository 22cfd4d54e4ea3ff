// A query to what the rungs of the ladder need of it: integers for the codes, a norm for Float32, a threshold for all.
import CKernels
import Gaussians
import Glibc
import Storage

/// A query prepared for the codes of one collection.
///
/// Bounds are on key = CSD - offset, the part of the CSD that depends on the item and on the centroid; both are exact to
/// far less than the margins added here.
struct CodedQuery {
    let query: Gaussian
    /// The query's total variance.
    let totalVariance: Double
    /// CSD = key + offset.
    let offset: Double
    /// Twice the dot product of query and centroid.
    let shift: Double
    private let norm: Double
    private let high: [Int8]
    private let low: [Int8]
    private let prepared: pk_code_query?

    /// Prepares a query.
    /// - Parameters:
    ///   - query: of the index's dimension.
    ///   - parameters: what the codes were made with; nil without codes.
    ///   - accuracy: the least probability that a true neighbour is found; 1 for certainty.
    init(_ query: Gaussian, _ parameters: CodeParameters?, accuracy: Double) {
        self.query = query
        let dimension = query.dimension
        let squaredNorm = query.squaredNorm
        norm = squaredNorm.squareRoot()
        let shift = parameters.map { 2 * pk_dot_f64(query.mean, $0.centroid, dimension) } ?? 0
        self.shift = shift
        totalVariance = query.totalVariance
        offset = squaredNorm + totalVariance - shift
        guard let parameters, norm < 1e12, abs(shift) < 1e30 else {
            (high, low, prepared) = ([], [], nil)
            return
        }
        let size = (dimension + 7) / 8 * 8
        var rotated = query.mean.map(Double.init)
        var high = [Int8](repeating: 0, count: size)
        var low = high
        pk_rotate(&rotated, dimension, parameters.seed)
        let certainty = Self.certainty(accuracy, dimension)
        prepared = high.withUnsafeMutableBufferPointer { high in
            low.withUnsafeMutableBufferPointer { low -> pk_code_query? in
                guard let highBase = high.baseAddress, let lowBase = low.baseAddress else { return nil }
                return withUnsafeTemporaryAllocation(of: pk_code_query.self, capacity: 1) { out in
                    guard let base = out.baseAddress else { return nil }
                    pk_prepare_query(rotated, dimension, certainty, highBase, lowBase, base)
                    return base.pointee
                }
            }
        }
        (self.high, self.low) = (high, low)
    }

    /// The share of an error's length that its projection on the query stays below with the probability asked for.
    ///
    /// After a random rotation an error's direction is uniform on the sphere, and a projection beyond t has a probability
    /// under exp(-D t^2 / 2) (Lévy's inequality on the sphere); two rungs share the risk.
    static func certainty(_ accuracy: Double, _ dimension: Int) -> Double {
        guard accuracy < 1 else { return 1 }
        return min(1, (2 * log(2 / (1 - accuracy)) / Double(dimension)).squareRoot())
    }

    /// Hands out the query as the kernels take it; nil where the codes cannot serve it.
    func withPrepared<T>(_ body: (UnsafePointer<pk_code_query>?) throws -> T) rethrows -> T {
        guard var prepared else { return try body(nil) }
        return try high.withUnsafeBufferPointer { high in
            try low.withUnsafeBufferPointer { low in
                guard let highBase = high.baseAddress, let lowBase = low.baseAddress else { return try body(nil) }
                prepared.high = highBase
                prepared.low = lowBase
                return try withUnsafePointer(to: prepared) { try body($0) }
            }
        }
    }

    /// The Float32 threshold that no item at `csd` or closer has its lower bound above.
    func threshold(_ csd: Double) -> Float {
        let rounding = (abs(csd) + abs(offset) + 2 * abs(shift)) * Double(query.dimension + 64) * 0x1p-50 + 0x1p-100
        let threshold = Float(csd - offset + rounding).nextUp
        return threshold.isNaN ? .infinity : threshold
    }

    /// Lower bounds from Float32 dot products: of the first slots of a block, from its scalars.
    ///
    /// The error of the products is that of `dot_rows_f32`, see CKernels.h.
    func bound(_ products: [Float], _ block: BlockView, _ lower: UnsafeMutablePointer<Float>) {
        let relativeError = Double(query.dimension + 4) * 0x1p-24 * norm
        for slot in 0..<block.count {
            let squaredNorm = block.scalars[2 * slot]
            let key = squaredNorm + block.scalars[2 * slot + 1] - 2 * Double(products[slot]) + shift
            let error = 2 * relativeError * squaredNorm.squareRoot() + 0x1p-40 * (abs(key) + squaredNorm + abs(shift))
            let bound = Float(key - error).nextDown
            lower[slot] = bound.isFinite ? bound : -.infinity
        }
    }
}
