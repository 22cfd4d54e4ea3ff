// Every instruction set against Float64 at awkward sizes.
import CKernels
import Foundation
import Gaussians
import TestSupport
import Testing

@Suite struct KernelTests {
    static let sizes = [1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 192, 768, 1024, 1152]

    @Test func everyLevelIsNamedAndTheBestIsTheLast() {
        let available = Kernels.available
        for name in Kernels.names where Kernels.named(name) == nil {
            print("kernels: level \(name) skipped, this machine lacks it")
        }
        #expect(available.first?.name == "portable")
        #expect(available.last?.name == Kernels.best.name)
        #expect(Kernels.named("sse9") == nil)
    }

    @Test(arguments: sizes) func dotRows(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d))
        for rows in [1, 2, 4, 5, 8, 11] {
            let query = generator.normals(d)
            let matrix = generator.normals(rows * d)
            for kernels in Kernels.available {
                var out = [Float](repeating: .nan, count: rows + 1)
                kernels.table.pointee.dot_rows_f32(query, matrix, rows, d, &out)
                for row in 0..<rows {
                    let slice = Array(matrix[(row * d)..<((row + 1) * d)])
                    let exact = zip(query, slice).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                    let lengths = (pk_dot_f64(query, query, d) * pk_dot_f64(slice, slice, d)).squareRoot()
                    #expect(abs(Double(out[row]) - exact) <= Double(d + 4) * 0x1p-24 * lengths, "\(kernels.name)")
                }
                #expect(out[rows].isNaN, "\(kernels.name) wrote beyond the rows")
            }
        }
    }

    @Test(arguments: sizes) func layerNorm(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 100)
        let x = generator.normals(3 * d)
        let weight = generator.normals(d)
        let bias = generator.normals(d)
        for kernels in Kernels.available {
            var out = [Float](repeating: .nan, count: 3 * d)
            kernels.table.pointee.layer_norm_f32(x, weight, bias, 1e-5, 3, d, &out)
            for row in 0..<3 {
                let values = x[(row * d)..<((row + 1) * d)].map(Double.init)
                let mean = values.reduce(0, +) / Double(d)
                let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(d)
                for j in 0..<d {
                    let exact =
                        (values[j] - mean) / (variance + 1e-5).squareRoot() * Double(weight[j]) + Double(bias[j])
                    #expect(abs(Double(out[row * d + j]) - exact) < 1e-5, "\(kernels.name)")
                }
            }
        }
    }

    @Test(arguments: sizes) func activations(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 200)
        let x = generator.normals(2 * d).map { $0 * 3 }
        let bias = generator.normals(d)
        for kernels in Kernels.available {
            var gelu = x
            kernels.table.pointee.bias_gelu_f32(&gelu, bias, 2, d)
            var quick = x
            kernels.table.pointee.bias_quick_gelu_f32(&quick, bias, 2, d)
            for i in 0..<(2 * d) {
                let y = Double(x[i] + bias[i % d])
                #expect(abs(Double(gelu[i]) - y * 0.5 * (1 + erf(y / 2.0.squareRoot()))) < 4e-6, "\(kernels.name) \(y)")
                #expect(abs(Double(quick[i]) - y / (1 + exp(-1.702 * y))) < 4e-6, "\(kernels.name) \(y)")
            }
        }
    }

    @Test(arguments: sizes) func softmax(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 300)
        let stride = d + 3
        let x = generator.normals(2 * stride).map { $0 * 20 }
        for kernels in Kernels.available {
            var out = x
            kernels.table.pointee.softmax_rows_f32(&out, 0.125, 2, d, stride)
            for row in 0..<2 {
                let values = x[(row * stride)..<(row * stride + d)].map { exp(Double($0) * 0.125) }
                let sum = values.reduce(0, +)
                for j in 0..<d { #expect(abs(Double(out[row * stride + j]) - values[j] / sum) < 1e-6) }
                #expect(
                    Array(out[(row * stride + d)..<((row + 1) * stride)])
                        == Array(x[(row * stride + d)..<((row + 1) * stride)]))
            }
        }
    }

    @Test(arguments: sizes) func biases(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 400)
        let x = generator.normals(2 * d)
        let y = generator.normals(2 * d)
        let bias = generator.normals(d)
        let gamma = generator.normals(d)
        for kernels in Kernels.available {
            var added = x
            kernels.table.pointee.add_bias_f32(&added, bias, 2, d)
            var scaled = x
            kernels.table.pointee.add_scaled_f32(&scaled, y, bias, gamma, 2, d)
            for i in 0..<(2 * d) {
                #expect(added[i] == x[i] + bias[i % d])
                let exact = Double(x[i]) + Double(gamma[i % d]) * (Double(y[i]) + Double(bias[i % d]))
                #expect(abs(Double(scaled[i]) - exact) < 1e-5)
            }
        }
    }

    @Test func wideningIsExactForEveryBitPattern() {
        let patterns = (0...UInt16.max).map { $0 }
        for kernels in Kernels.available {
            var halves = [Float](repeating: 0, count: patterns.count)
            kernels.table.pointee.widen_f16(patterns, patterns.count, &halves)
            var brains = halves
            kernels.table.pointee.widen_bf16(patterns, patterns.count, &brains)
            for (pattern, value) in zip(patterns, halves) {
                let exact = Self.half(pattern)
                #expect(value == exact || (value.isNaN && exact.isNaN), "\(kernels.name) \(pattern)")
                #expect((value.sign == .minus) == (pattern >= 0x8000) || value.isNaN)
            }
            for (pattern, value) in zip(patterns, brains) {
                #expect(value.bitPattern == UInt32(pattern) << 16)
            }
        }
    }

    /// IEEE 754 binary16 by its definition.
    static func half(_ pattern: UInt16) -> Float {
        let sign: Float = pattern >= 0x8000 ? -1 : 1
        let exponent = Int(pattern >> 10) & 31
        let fraction = Float(pattern & 0x3FF)
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
        }
    }

    @Test func crc32c() {
        let check = Array("123456789".utf8)
        #expect(pk_crc32c(0, check, check.count) == 0xE306_9283)
        let zeros = [UInt8](repeating: 0, count: 32)
        #expect(pk_crc32c(0, zeros, 32) == 0x8A91_36AA)
        #expect(pk_crc32c(pk_crc32c(0, zeros, 5), Array(zeros[5...]), 27) == 0x8A91_36AA)
    }
}
