// One axis of Pillow's bicubic resize: which source samples make an output sample, with which fixed-point weights.
import Glibc

/// The taps of a range of output positions.
///
/// Weights are computed in Float64, normalised, and rounded half away from zero to 22 bits, as Pillow does, so that the
/// pixels are Pillow's to the bit.
/// - SeeAlso: `src/libImaging/Resample.c` of Pillow; shared fixtures, `PROLIP.md` section 7
struct BicubicTaps {
    /// Bits of the weights' fraction: what 32 bits hold beside 8-bit samples and two bits of overshoot.
    static let precision: Int32 = 22
    /// The first source sample of each output position.
    private(set) var first: [Int] = []
    /// Number of taps of each output position.
    private(set) var counts: [Int] = []
    /// Weights, `stride` per output position.
    private(set) var weights: [Int32] = []
    /// Elements between the weights of neighbouring positions.
    let stride: Int
    /// Source samples any of the positions needs.
    var source: Range<Int> { (first.first ?? 0)..<(zip(first, counts).map { $0 + $1 }.max() ?? 0) }

    /// Computes the taps.
    /// - Parameters:
    ///   - input: samples of the source.
    ///   - output: samples of the whole resized axis.
    ///   - range: the output positions wanted.
    init(input: Int, output: Int, range: Range<Int>) {
        let scale = Double(input) / Double(output)
        let filterScale = max(scale, 1)
        let support = 2 * filterScale
        stride = Int(support.rounded(.up)) * 2 + 1
        for position in range {
            let center = (Double(position) + 0.5) * scale
            let low = max(Int(center - support + 0.5), 0)
            let high = min(Int(center + support + 0.5), input)
            let raw = (low..<high).map { Self.cubic((Double($0) - center + 0.5) / filterScale) }
            let sum = raw.reduce(0, +)
            first.append(low)
            counts.append(raw.count)
            for tap in 0..<stride {
                guard tap < raw.count else {
                    weights.append(0)
                    continue
                }
                let weight = (sum != 0 ? raw[tap] / sum : raw[tap]) * Double(1 << Self.precision)
                weights.append(Int32(weight < 0 ? weight - 0.5 : weight + 0.5))
            }
        }
    }

    /// The cubic convolution kernel with a = -0.5.
    private static func cubic(_ x: Double) -> Double {
        let a = -0.5
        let x = abs(x)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
        return 0
    }

    /// A fixed-point sum back to a sample.
    @inline(__always)
    static func sample(_ sum: Int32) -> UInt8 { UInt8(truncatingIfNeeded: min(max(sum >> precision, 0), 255)) }
}
