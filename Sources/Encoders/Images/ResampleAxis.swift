// Turns one axis of a resize and crop into fixed-point bicubic weights.

/// Which source positions, with which weights, make each kept output position along one axis.
///
/// Pillow's fixed-point bicubic (`Resample.c`, `precompute_coeffs` and `normalize_coeffs_8bpc`): a = -0.5, support
/// 2 * max(scale, 1), weights normalised in Float64, then rounded half away from zero to 22 fractional bits.
struct ResampleAxis {
    /// Fractional bits of a weight: sums of 8-bit samples then just fit 32 bits.
    static let precision: Int32 = 22

    /// Per output position, the first source position and how many follow.
    private(set) var starts: [Int] = [], counts: [Int] = []
    /// `[output positions, taps]` row-major; unused taps at a row's end are 0.
    private(set) var weights: [Int32]
    /// Length of a row of `weights`.
    let taps: Int

    /// Kept output positions.
    var count: Int { starts.count }

    /// The source positions any kept output position needs.
    var span: Range<Int> {
        let end = zip(starts, counts).map { $0 + $1 }.max() ?? 0
        return (starts.min() ?? 0)..<end
    }

    /// Weights for `kept`, a range of the `scaled` positions that `source` positions are resized to.
    init(source: Int, scaled: Int, kept: Range<Int>) {
        let scale = Double(source) / Double(scaled)
        let stretch = max(scale, 1)
        let support = 2 * stretch
        taps = Int(support.rounded(.up)) * 2 + 1
        weights = [Int32](repeating: 0, count: kept.count * taps)
        for (row, position) in kept.enumerated() {
            let center = (Double(position) + 0.5) * scale
            let start = max(Int(center - support + 0.5), 0)
            let end = min(Int(center + support + 0.5), source)
            let raw = (start..<end).map { Self.bicubic((Double($0) - center + 0.5) * (1 / stretch)) }
            let sum = raw.reduce(0, +)
            starts.append(start)
            counts.append(end - start)
            for (tap, weight) in raw.enumerated() { weights[row * taps + tap] = Self.fixed(weight / sum) }
        }
    }

    /// The same resize of the source read backwards: sums of integers do not depend on their order.
    func mirrored(source: Int) -> ResampleAxis {
        var result = self
        for row in 0..<count {
            result.starts[row] = source - starts[row] - counts[row]
            for tap in 0..<counts[row] {
                result.weights[row * taps + tap] = weights[row * taps + counts[row] - 1 - tap]
            }
        }
        return result
    }

    /// The cubic convolution kernel with a = -0.5, in the reference's order of operations.
    private static func bicubic(_ distance: Double) -> Double {
        let a = -0.5, x = abs(distance)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }

    private static func fixed(_ weight: Double) -> Int32 {
        let scaled = weight * Double(1 << precision)
        return Int32(weight < 0 ? scaled - 0.5 : scaled + 0.5)
    }
}
