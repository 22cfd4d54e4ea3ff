// The kernels' matrix products against Float64 at awkward sizes.
import CKernels
import Gaussians
import TestSupport
import Testing

@Suite struct MultiplyTests {
    /// Rows of a, of b, and the length of the sums: around the widths of registers, tiles and blocks.
    static let shapes: [(m: Int, n: Int, k: Int)] = {
        let sizes = [1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64]
        var shapes = sizes.flatMap { m in sizes.map { (m, $0, 1 + (m * 7 + $0) % 70) } }
        shapes += [
            (66, 12, 192), (198, 9, 64), (193, 8, 768), (10, 13, 769), (5, 4, 1537), (192, 1, 1024), (1, 192, 1152),
        ]
        return shapes
    }()

    struct Product {
        let m: Int, n: Int, k: Int
        let a: [Float], b: [Float]
        let scratch = UnsafeMutablePointer<Float>.allocate(capacity: Int(PK_MULTIPLY_SCRATCH))

        init(_ shape: (m: Int, n: Int, k: Int)) {
            (m, n, k) = shape
            var generator = SeededGenerator(seed: UInt64(m * 1_000_003 + n * 1_009 + k))
            a = generator.normals(m * (k + 1))  // rows k + 1 apart
            b = generator.normals(n * (k + 2))
        }

        /// Element (i, j) of a b^T, and the sum of its terms' magnitudes.
        func exact(_ i: Int, _ j: Int) -> (value: Double, magnitude: Double) {
            (0..<k).reduce((0.0, 0.0)) { sum, l in
                let term = Double(a[i * (k + 1) + l]) * Double(b[j * (k + 2) + l])
                return (sum.0 + term, sum.1 + abs(term))
            }
        }

        /// b as [k, n], rows n + 3 apart.
        var upright: [Float] {
            var out = [Float](repeating: .nan, count: k * (n + 3))
            for j in 0..<n { for l in 0..<k { out[l * (n + 3) + j] = b[j * (k + 2) + l] } }
            return out
        }

        func check(_ c: [Float], plus start: Double, _ comment: String) {
            for i in 0..<m {
                for j in 0..<n {
                    let (value, magnitude) = exact(i, j)
                    let error = abs(Double(c[i * (n + 1) + j]) - start - value)
                    #expect(error <= Double(k + 4) * 0x1p-24 * (magnitude + abs(start)), "\(comment) \(m) \(n) \(k)")
                }
                #expect(c[i * (n + 1) + n] == 9, "\(comment) wrote beyond row \(i)")
            }
        }
    }

    static var levels: [Kernels] { Kernels.available.filter { $0.table.pointee.multiply_transposed_f32 != nil } }

    @Test func levelsWithoutProductsOfTheirOwnAreSkipped() {
        for kernels in Kernels.available where kernels.table.pointee.multiply_transposed_f32 == nil {
            #expect(kernels.table.pointee.multiply_f32 == nil)
            print("matrix products: level \(kernels.name) skipped, it takes OpenBLAS's")
        }
    }

    @Test(arguments: shapes) func productsAreExact(shape: (m: Int, n: Int, k: Int)) throws {
        let product = Product(shape)
        defer { product.scratch.deallocate() }
        let (m, n, k) = shape
        for kernels in Self.levels {
            let transposed = try #require(kernels.table.pointee.multiply_transposed_f32)
            let plain = try #require(kernels.table.pointee.multiply_f32)
            var c = [Float](repeating: 9, count: m * (n + 1))
            transposed(m, n, k, product.a, k + 1, product.b, k + 2, 0, &c, n + 1, product.scratch)
            product.check(c, plus: 0, "\(kernels.name) a b^T")
            for i in 0..<m { for j in 0..<n { c[i * (n + 1) + j] = 2 } }
            transposed(m, n, k, product.a, k + 1, product.b, k + 2, 1, &c, n + 1, product.scratch)
            product.check(c, plus: 2, "\(kernels.name) c + a b^T")
            plain(m, n, k, product.a, k + 1, product.upright, n + 3, &c, n + 1, product.scratch)
            product.check(c, plus: 0, "\(kernels.name) a b")
        }
    }

    /// What a text or picture becomes must not depend on what it is encoded with.
    @Test func aRowDoesNotDependOnTheOthers() throws {
        let shape = (m: 210, n: 37, k: 900)
        let product = Product(shape)
        defer { product.scratch.deallocate() }
        for kernels in Self.levels {
            let multiply = try #require(kernels.table.pointee.multiply_transposed_f32)
            var all = [Float](repeating: 0, count: shape.m * shape.n)
            multiply(210, 37, 900, product.a, 901, product.b, 902, 0, &all, 37, product.scratch)
            for row in [0, 1, 47, 48, 191, 192, 209] {
                var one = [Float](repeating: 0, count: shape.n)
                multiply(
                    1, 37, 900, Array(product.a[(row * 901)...]), 901, product.b, 902, 0, &one, 37, product.scratch)
                #expect(one == Array(all[(row * 37)..<((row + 1) * 37)]), "\(kernels.name) row \(row)")
            }
        }
    }

    @Test func bfloat16IsRoundedToTheNearest() {
        // 1 + 2^-8 lies between 1 and 1 + 2^-7: ties go to the even one.
        let values: [Float] = [1, 1 + 0x1p-8, 1 + 0x1p-7 + 0x1p-8, 1 + 0x1.01p-8, -0.0, .infinity, -.infinity, 3.4e38]
        let expected: [Float] = [1, 1, 1 + 0x1p-6, 1 + 0x1p-7, -0.0, .infinity, -.infinity, .infinity]
        for kernels in Kernels.available {
            var bits = [UInt16](repeating: 7, count: values.count + 2)
            kernels.table.pointee.narrow_bf16(values + [.nan], values.count + 1, &bits)
            for (index, value) in expected.enumerated() {
                #expect(bits[index] == UInt16(value.bitPattern >> 16), "\(kernels.name) \(values[index])")
            }
            #expect(Float(bitPattern: UInt32(bits[values.count]) << 16).isNaN)
            #expect(bits[values.count + 1] == 7)
        }
    }
}
