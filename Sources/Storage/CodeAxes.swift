// A sample of means to the parameters of good codes: axes along which the items differ, and bits where they differ most.
import CKernels
import Gaussians

/// A sample of a collection's means, summed up.
///
/// Means of a model differ much in a few directions and little in most. Along the directions of the largest spread a bit
/// is worth more: the first dimensions of the rotated means get eight bits, the last get two, and the bounds of a search
/// become tighter at fewer bytes than with four bits for all.
struct CodeAxes {
    /// Items a decision should rest on, where there are as many.
    static let sampleLimit = 16_384
    /// With fewer items than this nothing is decided: a random rotation serves.
    static let smallestSample = 8_192
    /// Beyond this a matrix is not worth its size.
    static let largestDimension = 2_048
    /// Squared error of coarse codes, as a share of the squared spread, that is aimed at.
    ///
    /// Measured at D = 768, N = 100,000, k = 10: 0.0122 (353 bytes an item, as long as residual codes did not exist) left 1.3 %
    /// to the next rung, 0.0204 (297 bytes) leaves 4 %, 0.033 (253 bytes) 12 %. The last is as quick for one query, and
    /// slower for many together and for k = 100.
    private static let errorShare = 0.0204
    /// Squared errors of codes in four and two bits, as shares of the squared spread.
    private static let (share4, share2) = (0.0095, 0.1188)
    /// Eight bits pay where a direction has so many times the squared spread of the last one in four.
    private static let ratio8 = 9.0
    /// Of orthogonal iteration; measured as above: 8 leave 4,206 items of 100,000 to the next rung, 6 4,215, and 4 4,288.
    private static let rounds = 6

    private let centroid: [Float]
    private var covariance: [Double]
    private var count = 0

    /// An empty sample of means around a centroid.
    init(centroid: [Float]) {
        self.centroid = centroid
        covariance = [Double](repeating: 0, count: centroid.count * centroid.count)
    }

    /// Takes means in, [n, D]; those that are no numbers count as none.
    mutating func add(_ means: UnsafeRawBufferPointer) {
        let dimension = centroid.count
        let rows = means.count / (4 * dimension)
        var centred = [Float](repeating: 0, count: rows * dimension)
        var turned = centred
        for row in 0..<rows {
            var isFinite = true
            for j in 0..<dimension {
                let offset = 4 * (row * dimension + j)
                let x = means.loadUnaligned(fromByteOffset: offset, as: Float.self) - centroid[j]
                centred[row * dimension + j] = x
                isFinite = isFinite && abs(x) < 1e6
            }
            if !isFinite { for j in 0..<dimension { centred[row * dimension + j] = 0 } }
            for j in 0..<dimension { turned[j * rows + row] = centred[row * dimension + j] }
        }
        Self.multiply(turned, centred, inner: rows, adding: true, to: &covariance)
        count += rows
    }

    /// out (+)= a b on all cores, bands of rows each: a [D, inner], b [inner, D], out [D, D].
    private static func multiply(
        _ a: [Float], _ b: [Float], inner: Int, adding: Bool = false, to out: inout [Double]
    ) {
        let dimension = a.count / max(inner, 1)
        let kernel = Kernels.best.table.pointee.matmul_f64
        out.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let out = buffer  // each band has rows of its own
            forEachBand(of: dimension) { band in
                a.withUnsafeBufferPointer { a in
                    guard let a = a.baseAddress, let out = out.baseAddress else { return }
                    kernel(
                        a + band.lowerBound * inner, b, band.count, inner, dimension, adding ? 1 : 0,
                        out + band.lowerBound * dimension)
                }
            }
        }
    }

    /// Calls `body` with the parts of 0..<count, on all cores.
    private static func forEachBand(of count: Int, _ body: @Sendable (Range<Int>) -> Void) {
        let size = 64
        _ = SharedWork.map((count + size - 1) / size, threads: SharedWork.processorCount) { number in
            body(size * number..<min(size * (number + 1), count))
        }
    }

    /// The parameters that the sample suggests; nil where it is too small or does not differ at all.
    func decide(seed: UInt64 = 0x9E6B_5A3D_17C4_2F81) -> CodeParameters? {
        let dimension = centroid.count
        guard count >= Self.smallestSample, dimension <= Self.largestDimension,
            let (principal, spread) = principalAxes(seed)
        else { return nil }
        var rows = principal
        var plan = Self.plan(spread)
        let eight = min(4 * plan.chunks8, dimension)
        let four = min(8 * plan.chunks4, dimension - eight)
        let parts = [0..<eight, eight..<(eight + four), (eight + four)..<dimension]
        let weights = parts.map { part -> Float in
            let mean = spread[part].reduce(0, +) / Double(max(part.count, 1))
            return part.isEmpty ? 1 : Float(max(mean / (spread[0] + 1e-300), 1e-12).squareRoot())
        }
        (plan.weight8, plan.weight4, plan.weight2) = (weights[0], weights[1], weights[2])
        for (number, part) in parts.enumerated() {
            Self.mix(&rows, part, dimension, seed &+ UInt64(number) &* 0x9E37_79B9)
        }
        var axes = [Float](repeating: 0, count: rows.count)
        for o in 0..<dimension { for j in 0..<dimension { axes[j * dimension + o] = Float(rows[o * dimension + j]) } }
        plan.skew = Self.skew(axes, dimension)
        guard plan.skew < 1e-4 else { return nil }
        return CodeParameters(seed: seed, sampleCount: count, centroid: centroid, axes: axes, plan: plan)
    }

    /// Orthonormal rows along falling spread, and the squared spread along each: orthogonal iteration.
    private func principalAxes(_ seed: UInt64) -> (rows: [Double], spread: [Double])? {
        let dimension = centroid.count
        let trace = (0..<dimension).reduce(0.0) { $0 + covariance[$1 * (dimension + 1)] }
        guard trace > 0, trace.isFinite else { return nil }
        var matrix = covariance.map { Float($0 / trace * Double(dimension)) }
        for j in 0..<dimension { matrix[j * (dimension + 1)] += 1e-6 }  // no direction vanishes altogether
        var rows = [Double](repeating: 0, count: dimension * dimension)
        for row in 0..<dimension {
            rows[row * (dimension + 1)] = 1
            rows.withUnsafeMutableBufferPointer { rows in
                if let base = rows.baseAddress { pk_rotate(base + row * dimension, dimension, seed) }
            }
        }
        var product = rows
        for round in 1...Self.rounds {
            Self.multiply(rows.map(Float.init), matrix, inner: dimension, to: &product)
            swap(&rows, &product)
            // Half of the time: one product leaves rows that Float64 still tells apart.
            if round.isMultiple(of: 2) { Kernels.best.table.pointee.orthonormalise(&rows, dimension, dimension) }
        }
        Self.multiply(rows.map(Float.init), matrix, inner: dimension, to: &product)
        let spread = (0..<dimension).map { row in
            let range = (row * dimension)..<((row + 1) * dimension)
            return max(zip(rows[range], product[range]).reduce(0) { $0 + $1.0 * $1.1 }, 0)
        }
        return (rows, spread)
    }

    /// How many bits each direction gets: the fewest bytes that keep the error aimed at.
    static func plan(_ spread: [Double]) -> pk_code_plan {
        let dimension = spread.count
        var best = pk_code_plan()
        best.d = dimension
        best.chunks4 = (dimension + 7) / 8
        let total = spread.reduce(0, +)
        for border in stride(from: 16, to: dimension, by: 16) {
            let eight = min(spread.prefix(border).count { $0 > ratio8 * spread[border - 1] } / 8 * 8, border)
            let error4 = spread[eight..<border].reduce(0, +) * share4
            let error2 = spread[border...].reduce(0, +) * share2
            guard error4 + error2 <= errorShare * total else { continue }
            var plan = best
            plan.chunks8 = eight / 4
            plan.chunks4 = (border - eight) / 8
            plan.chunks2 = (dimension - border + 15) / 16
            if plan.chunks8 + plan.chunks4 + plan.chunks2 <= best.chunks4 { return plan }
        }
        return best
    }

    /// Turns the directions of one part into random ones of the same space: numbers of one part become alike, and errors
    /// have no direction of their own.
    private static func mix(_ rows: inout [Double], _ part: Range<Int>, _ dimension: Int, _ seed: UInt64) {
        rows.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let rows = buffer  // each band has columns of its own
            forEachBand(of: dimension) { band in
                var column = [Double](repeating: 0, count: part.count)
                for j in band {
                    for row in part { column[row - part.lowerBound] = rows[row * dimension + j] }
                    pk_rotate(&column, part.count, seed)
                    for row in part { rows[row * dimension + j] = column[row - part.lowerBound] }
                }
            }
        }
    }

    /// At least how far the axes are from orthonormal: the Frobenius norm of A A^T - 1 is that of A^T A - 1.
    private static func skew(_ axes: [Float], _ dimension: Int) -> Double {
        var transposed = axes
        for j in 0..<dimension { for o in 0..<dimension { transposed[o * dimension + j] = axes[j * dimension + o] } }
        var product = [Double](repeating: 0, count: axes.count)
        multiply(axes, transposed, inner: dimension, to: &product)
        for j in 0..<dimension { product[j * (dimension + 1)] -= 1 }
        // A sum of D products rounds by less than D times 2^-52.
        return product.reduce(0) { $0 + $1 * $1 }.squareRoot() * 1.000_001 + Double(dimension * dimension) * 0x1p-52
    }
}
