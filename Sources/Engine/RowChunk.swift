// Some rows of a file in memory, checked: what is not a Gaussian is refused by its row.
import Encoders
import Gaussians
import Storage

/// A piece of a file of vectors.
final class RowChunk: @unchecked Sendable {  // used by one task at a time, and handed on
    /// Row numbers in the file, ascending, of the rows held.
    private(set) var rows: [Int]
    private let dimension: Int
    private let means: FloatBuffer
    private let logVariances: FloatBuffer
    private let scalars: UnsafeMutablePointer<Double>
    /// The first row without variance, and the first with.
    private(set) var firstPoint: Int?
    private(set) var firstSpread: Int?
    /// Rows dropped because an earlier row says the same, or because they are stored as they are.
    var repeated = 0
    var unchanged = 0
    /// Items that rows held replace.
    var replaced: [PendingRows.Place] = []

    /// Bytes of one column that are in memory at once, about.
    private static let columnSize = 8 << 20
    /// Means further from length 1 are refused.
    static let tolerance = 1e-3
    /// exp of larger ones overflows when summed.
    private static let largestLogVariance: Float = 700

    /// Rows of a chunk: a multiple of the slots of a block, so that blocks are written once.
    static func count(dimension: Int) -> Int {
        let block = GaussianCodec.slotsPerBlock
        return max(columnSize / (4 * dimension) / block, 1) * block
    }

    /// Reads and checks rows.
    /// - Throws: `ImportRefusal` for the first row that is no Gaussian; `FileError`.
    init(_ file: VectorFile, _ range: Range<Int>) throws {
        rows = Array(range)
        dimension = file.dimension
        means = FloatBuffer(count: range.count * file.dimension)
        logVariances = FloatBuffer(count: range.count * file.dimension)
        scalars = .allocate(capacity: 2 * range.count)
        try file.read(range, means, logVariances)
        for (place, row) in range.enumerated() {
            if let flaw = flaw(place, row) { throw file.refuse(row, flaw) }
        }
    }

    deinit { scalars.deallocate() }

    /// The mean of the row at a place among those held, `[D]`.
    func mean(_ place: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: means.pointer + place * dimension, count: dimension)
    }

    /// The log variance of the row at a place among those held, `[D]`.
    func logVariance(_ place: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: logVariances.pointer + place * dimension, count: dimension)
    }

    /// The rows as the store takes them.
    func withColumns<T>(_ body: (RowColumns) throws -> T) rethrows -> T {
        defer { withExtendedLifetime(self) {} }
        return try body(
            RowColumns(
                count: rows.count, means: means.pointer, logVariances: logVariances.pointer, scalars: scalars))
    }

    /// Drops rows, and moves those that stay together.
    /// - Parameter isKept: called with each row's place among those held so far, ascending, and its number.
    func keep(_ isKept: (_ place: Int, _ row: Int) throws -> Bool) rethrows {
        var kept: [Int] = []
        for (place, row) in rows.enumerated() where try isKept(place, row) {
            if kept.count < place {
                (means.pointer + kept.count * dimension).update(
                    from: means.pointer + place * dimension, count: dimension)
                (logVariances.pointer + kept.count * dimension).update(
                    from: logVariances.pointer + place * dimension, count: dimension)
            }
            kept.append(row)
        }
        rows = kept
    }

    /// Computes the scalars of the rows held.
    func computeScalars() {
        for place in rows.indices {
            scalars[2 * place] = Gaussian.squaredNorm(mean(place))
            scalars[2 * place + 1] = Gaussian.totalVariance(logVariance(place))
        }
    }

    /// What is wrong with a row, or nil.
    private func flaw(_ place: Int, _ row: Int) -> ImportRefusal.Reason? {
        let length = Gaussian.squaredNorm(mean(place)).squareRoot()
        guard abs(length - 1) <= Self.tolerance else { return flawOfMean(place, length) }
        guard Self.magnitude(logVariance(place)) > Self.largestLogVariance.bitPattern else {
            firstSpread = firstSpread ?? row
            return nil
        }
        return flawOfLogVariance(place, row)
    }

    private func flawOfMean(_ place: Int, _ length: Double) -> ImportRefusal.Reason {
        guard let column = mean(place).firstIndex(where: { !$0.isFinite }) else { return .length(length) }
        return mean(place)[column].isNaN
            ? .notANumber(tensor: "mean", column: column + 1) : .infinite(tensor: "mean", column: column + 1)
    }

    private func flawOfLogVariance(_ place: Int, _ row: Int) -> ImportRefusal.Reason? {
        var none = 0
        var firstNone = 0
        for (column, value) in logVariance(place).enumerated() {
            if value == -.infinity {
                if none == 0 { firstNone = column }
                none += 1
            } else if value.isNaN {
                return .notANumber(tensor: "log_variance", column: column + 1)
            } else if value == .infinity {
                return .infinite(tensor: "log_variance", column: column + 1)
            } else if value > Self.largestLogVariance {
                return .tooVague(column: column + 1, logVariance: value)
            }
        }
        guard none == 0 || none == dimension else { return .partOfAPoint(column: firstNone + 1) }
        if none == 0 { firstSpread = firstSpread ?? row } else { firstPoint = firstPoint ?? row }
        return nil
    }

    /// The bits of the largest magnitude, NaN above infinity above all others.
    private static func magnitude(_ values: UnsafeBufferPointer<Float>) -> UInt32 {
        let bytes = UnsafeRawBufferPointer(values)
        var lanes = SIMD8<Int32>(repeating: 0)
        let whole = values.count & ~7
        for start in stride(from: 0, to: whole, by: 8) {
            let bits = bytes.loadUnaligned(fromByteOffset: 4 * start, as: SIMD8<Int32>.self) & Int32.max
            lanes.replace(with: bits, where: bits .> lanes)
        }
        let rest = values[whole...].reduce(0) { max($0, $1.bitPattern & 0x7FFF_FFFF) }
        return max(UInt32(bitPattern: lanes.max()), rest)
    }
}
