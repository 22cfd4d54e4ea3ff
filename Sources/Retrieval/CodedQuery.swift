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
    /// The query as the kernels take it; nil where the codes cannot serve it.
    let prepared: PreparedQuery?

    /// Prepares queries, rotated together: the axes are read once for several.
    /// - Parameters:
    ///   - queries: of the index's dimension.
    ///   - parameters: what the codes were made with; nil without codes.
    ///   - accuracy: the least probability that a true neighbour is found; 1 for certainty.
    ///   - kernels: the instruction set that rotates them.
    /// - Returns: one for each query, in order.
    static func prepare(
        _ queries: ArraySlice<Gaussian>, _ parameters: CodeParameters?, accuracy: Double, _ kernels: Kernels
    ) -> [CodedQuery] {
        guard let parameters, let dimension = queries.first?.dimension else {
            return queries.map { CodedQuery($0, nil, [], deviations: 0) }
        }
        var rotated = [Double](repeating: 0, count: queries.count * dimension)
        if let axes = parameters.axes {
            let means = queries.flatMap(\.mean)
            kernels.table.pointee.matmul_f64(means, axes, queries.count, dimension, dimension, 0, &rotated)
        } else {
            for (number, query) in queries.enumerated() {
                var row = query.mean.map(Double.init)
                pk_rotate(&row, dimension, parameters.seed)
                rotated.replaceSubrange((number * dimension)..<((number + 1) * dimension), with: row)
            }
        }
        return queries.enumerated().map { number, query in
            CodedQuery(
                query, parameters, rotated[(number * dimension)..<((number + 1) * dimension)],
                deviations: deviations(accuracy))
        }
    }

    private init(_ query: Gaussian, _ parameters: CodeParameters?, _ rotated: ArraySlice<Double>, deviations: Double) {
        self.query = query
        let dimension = query.dimension
        let squaredNorm = query.squaredNorm
        norm = squaredNorm.squareRoot()
        let shift = parameters.map { 2 * pk_dot_f64(query.mean, $0.centroid, dimension) } ?? 0
        self.shift = shift
        totalVariance = query.totalVariance
        offset = squaredNorm + totalVariance - shift
        guard let parameters, norm < 1e12, abs(shift) < 1e30 else {
            prepared = nil
            return
        }
        prepared = PreparedQuery(rotated, norm: norm, parameters, deviations: deviations)
    }

    /// The standard deviations that an error stays below with the probability asked for; 0 for what is proven.
    ///
    /// Under a random rotation of n dimensions the direction of an error is uniform on the sphere, and a projection beyond
    /// t of its length has a probability under exp(-n t^2 / 2) (Lévy's inequality on the sphere); half of the risk is left
    /// for the little that codes are short of what they stand for.
    static func deviations(_ accuracy: Double) -> Double {
        accuracy < 1 ? (2 * log(2 / (1 - accuracy))).squareRoot() : 0
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

/// A query in integers, at an address of its own.
package final class PreparedQuery {
    /// The query as the kernels take it, valid as long as this object.
    package let pointer: UnsafePointer<pk_code_query>
    /// Whether bounds are certain, not only probable.
    let isCertain: Bool
    private let query: UnsafeMutablePointer<pk_code_query>
    private let integers: UnsafeMutablePointer<Int8>

    /// Prepares a query.
    /// - Parameters:
    ///   - rotated: [D], the query's mean turned as the codes are.
    ///   - norm: the length of the mean.
    ///   - parameters: what the codes were made with.
    ///   - deviations: as of `CodedQuery.deviations`; 0 for certain bounds.
    package init(_ rotated: ArraySlice<Double>, norm: Double, _ parameters: CodeParameters, deviations: Double) {
        let dimension = rotated.count
        isCertain = deviations <= 0
        query = .allocate(capacity: 1)
        pointer = UnsafePointer(query)
        integers = withUnsafePointer(to: parameters.plan) { [query] plan in
            let rotated = Array(rotated)
            let (size, residualSize) = (pk_coarse_query_size(plan), pk_residual_query_size(dimension))
            // What is read line by line begins with one.
            let lines = (dimension + 63) / 64 * 64
            let integers = UnsafeMutableRawPointer.allocate(
                byteCount: residualSize + 3 * lines + 64 + size, alignment: 64
            ).bindMemory(to: Int8.self, capacity: residualSize + 3 * lines + 64 + size)
            let high = integers + residualSize
            let together = high + 2 * lines
            pk_prepare_query(
                plan, rotated, norm, deviations, together + lines + 64, integers, high, high + lines, together, query)
            return integers
        }
    }

    deinit {
        query.deallocate()
        integers.deallocate()
    }
}
