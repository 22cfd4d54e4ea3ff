// A seed to the same numbers on every machine.
import Gaussians

/// SplitMix64: small, fast, good enough for tests.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    /// Starts the sequence of a seed.
    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Roughly normal numbers (the sum of twelve uniform ones, less six).
    package mutating func normal() -> Float {
        var sum: Float = -6
        for _ in 0..<12 { sum += Float.random(in: 0..<1, using: &self) }
        return sum
    }

    /// `count` normal numbers.
    package mutating func normals(_ count: Int) -> [Float] { (0..<count).map { _ in normal() } }

    /// A Gaussian with a normalised mean and log variances about `logVariance`.
    package mutating func gaussian(dimension: Int, logVariance: Float = -9) -> Gaussian {
        let mean = normals(dimension)
        let norm = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return Gaussian(
            mean: mean.map { $0 / norm }, logVariance: (0..<dimension).map { _ in logVariance + 0.3 * normal() })
    }
}
