// Short codes at every instruction set: integer sums against integers, bounds against Float64.
import CKernels
import Gaussians
import TestSupport
import Testing

@Suite struct CodeKernelTests {
    /// A block of codes of 256 seeded means.
    struct Block {
        let dimension: Int
        let means: [Float]
        let centroid: [Float]
        let bases: [Double]
        var codes4: [Float]
        var codes8: [Float]

        init(dimension: Int, means: [Float], centroid: [Float], variance: Double = 0.02) {
            self.dimension = dimension
            self.means = means
            self.centroid = centroid
            bases = (0..<256).map { slot in
                let mean = Array(means[(slot * dimension)..<((slot + 1) * dimension)])
                return pk_dot_f64(mean, mean, dimension) + variance
            }
            codes4 = [Float](repeating: 0, count: 64 * pk_row_size4(dimension))
            codes8 = [Float](repeating: 0, count: 64 * pk_row_size8(dimension))
            var scratch = [Double](repeating: 0, count: dimension)
            pk_encode_block(means, bases, centroid, 7, dimension, &scratch, &codes4, &codes8)
        }

        /// The key of an item in Float64: |x|^2 + total variance less twice the product of query and x - c.
        func key(_ query: [Float], _ slot: Int) -> Double {
            var product = 0.0
            for j in 0..<dimension {
                product += Double(query[j]) * (Double(means[slot * dimension + j]) - Double(centroid[j]))
            }
            return bases[slot] - 2 * product
        }
    }

    /// Runs `body` with a prepared query.
    func withPrepared(_ query: [Float], _ body: (UnsafePointer<pk_code_query>) -> Void) {
        let size = (query.count + 7) / 8 * 8
        var high = [Int8](repeating: 0, count: size)
        var low = high
        var rotated = query.map(Double.init)
        pk_rotate(&rotated, query.count, 7)
        high.withUnsafeMutableBufferPointer { high in
            low.withUnsafeMutableBufferPointer { low in
                guard let high = high.baseAddress, let low = low.baseAddress else { return }
                withUnsafeTemporaryAllocation(of: pk_code_query.self, capacity: 1) { out in
                    guard let out = out.baseAddress else { return }
                    pk_prepare_query(rotated, query.count, 1, high, low, out)
                    body(UnsafePointer(out))
                }
            }
        }
    }

    @Test(arguments: KernelTests.sizes) func integerSumsAreExact(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 500)
        let chunks = (d + 7) / 8
        let query = (0..<(8 * chunks)).map { _ in Int8.random(in: -127...127, using: &generator) }
        let low = (0..<(8 * chunks)).map { _ in Int8.random(in: -127...127, using: &generator) }
        let codes = (0..<(3 * chunks * 128)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let row = (0..<d).map { _ in UInt8.random(in: 1...255, using: &generator) }
        let levels = withUnsafeBytes(of: pk_levels4) { $0.map(Int32.init) }
        let truth4 = (0..<96).map { item in
            (0..<(8 * chunks)).reduce(Int32(0)) { sum, j in
                let byte = codes[(item / 32 * chunks + j / 8) * 128 + item % 32 * 4 + j % 4]
                return sum + Int32(query[j]) * levels[Int(j % 8 < 4 ? byte & 15 : byte >> 4)]
            }
        }
        let truth8 = [query, low].map { zip($0, row).reduce(Int32(0)) { $0 + Int32($1.0) * Int32($1.1) } }
        for kernels in Kernels.available {
            var out = [Int32](repeating: -1, count: 97)
            kernels.table.pointee.dot_codes4(query, codes, 3, chunks, codes, &out)
            #expect(Array(out[..<96]) == truth4 && out[96] == -1, "\(kernels.name)")
            var pair: [Int32] = [0, 0, -1]
            kernels.table.pointee.dot_codes8(query, low, row, d, &pair)
            #expect(pair == truth8 + [-1], "\(kernels.name)")
        }
    }

    @Test(arguments: KernelTests.sizes) func extremeNumbersDoNotOverflow(d: Int) {
        let chunks = (d + 7) / 8
        for sign: Int8 in [-127, 127] {
            let query = [Int8](repeating: sign, count: 8 * chunks)
            let row = [UInt8](repeating: 255, count: d)
            let codes = [UInt8](repeating: 0xFF, count: chunks * 128)  // all items the highest level
            for kernels in Kernels.available {
                var out = [Int32](repeating: 0, count: 32)
                kernels.table.pointee.dot_codes4(query, codes, 1, chunks, codes, &out)
                #expect(out.allSatisfy { $0 == Int32(sign) * 127 * Int32(8 * chunks) }, "\(kernels.name)")
                var pair: [Int32] = [0, 0]
                kernels.table.pointee.dot_codes8(query, query, row, d, &pair)
                #expect(pair == [Int32(sign) * 255 * Int32(d), Int32(sign) * 255 * Int32(d)], "\(kernels.name)")
            }
        }
    }

    @Test(arguments: KernelTests.sizes, [Float(1), 1e-18, 1e9]) func boundsHoldAndAreTight(d: Int, scale: Float) {
        var generator = SeededGenerator(seed: UInt64(d) + 600)
        let means = generator.normals(256 * d).map { $0 * scale }
        let block = Block(
            dimension: d, means: means, centroid: generator.normals(d).map { $0 * scale },
            variance: Double(scale) * Double(scale))
        let columns: [UnsafeRawPointer?] = block.codes8.withUnsafeBytes { [$0.baseAddress] }
        let index = (0..<256).reversed().map { UInt32($0) }
        for query in [generator.normals(d), generator.normals(d).map { $0 * scale }] {
            let length = pk_dot_f64(query, query, d).squareRoot()
            withPrepared(query) { prepared in
                for kernels in Kernels.available {
                    var lower4 = [Float](repeating: .nan, count: 256)
                    var lower8 = lower4
                    kernels.table.pointee.bound_codes4(prepared, block.codes4, block.codes4, &lower4)
                    withExtendedLifetime(block.codes8) {
                        kernels.table.pointee.bound_codes8(prepared, columns, index, 256, &lower8)
                    }
                    for slot in 0..<256 {
                        let key = block.key(query, slot)
                        // The item's part of the key's size: what relative margins are relative to.
                        let size = block.bases[slot] + 8 * length * (block.bases[slot].squareRoot() + 1e-30)
                        #expect(Double(lower4[slot]) <= key, "\(kernels.name) 4 bits, slot \(slot)")
                        #expect(Double(lower8[255 - slot]) <= key, "\(kernels.name) 8 bits, slot \(slot)")
                        #expect(key - Double(lower4[slot]) <= 0.3 * size + 1e-29, "\(kernels.name) 4 bits is loose")
                        #expect(
                            key - Double(lower8[255 - slot]) <= 0.02 * size + 1e-29, "\(kernels.name) 8 bits is loose")
                    }
                }
            }
        }
    }

    @Test func itemsThatCannotBeCodedAreNeverExcluded() {
        var generator = SeededGenerator(seed: 8)
        var means = generator.normals(256 * 9)
        means[0] = .infinity
        means[9] = .nan
        means[18] = 3e38
        let block = Block(dimension: 9, means: means, centroid: [Float](repeating: 0, count: 9))
        let columns: [UnsafeRawPointer?] = block.codes8.withUnsafeBytes { [$0.baseAddress, nil] }
        withPrepared(generator.normals(9)) { prepared in
            for kernels in Kernels.available {
                var lower = [Float](repeating: 0, count: 256)
                kernels.table.pointee.bound_codes4(prepared, block.codes4, block.codes4, &lower)
                #expect(lower[..<3].allSatisfy { $0 == -.infinity } && lower[3].isFinite, "\(kernels.name)")
                withExtendedLifetime(block.codes8) {
                    kernels.table.pointee.bound_codes8(prepared, columns, [0, 1, 2, 3, 256, 511], 6, &lower)
                }
                #expect(lower[..<3].allSatisfy { $0 == -.infinity } && lower[3].isFinite, "\(kernels.name)")
                #expect(lower[4] == -.infinity && lower[5] == -.infinity, "no column, no bound")
            }
        }
    }

    @Test(arguments: [1, 3, 15, 16, 17, 63, 64, 65, 255, 256, 1_000]) func selection(n: Int) {
        var generator = SeededGenerator(seed: UInt64(n))
        for rare in [true, false] {
            var numbers = generator.normals(n).map { rare ? $0 + 5 : $0 }
            if n > 20 { (numbers[3], numbers[7], numbers[n - 1]) = (.nan, .infinity, -.infinity) }
            if n > 20 { numbers[9] = 0.5 }
            let truth = (0..<n).filter { !(numbers[$0] > 0.5) }.map { UInt32($0) }
            for kernels in Kernels.available {
                var out = [UInt32](repeating: 0, count: n)
                let count = kernels.table.pointee.select_not_above(numbers, n, 0.5, &out)
                #expect(Array(out[..<count]) == truth, "\(kernels.name)")
            }
        }
    }

    @Test(arguments: KernelTests.sizes) func theRotationKeepsLengthsAndAngles(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 700)
        let a = generator.normals(d).map(Double.init)
        let b = generator.normals(d).map(Double.init)
        let product = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
        let lengths = (a.reduce(0) { $0 + $1 * $1 } * b.reduce(0) { $0 + $1 * $1 }).squareRoot()
        var (ra, rb) = (a, b)
        pk_rotate(&ra, d, 99)
        pk_rotate(&rb, d, 99)
        #expect(abs(zip(ra, rb).reduce(0) { $0 + $1.0 * $1.1 } - product) <= 1e-13 * lengths)
        var loud = [Double](repeating: 0, count: d)
        loud[d / 2] = 1
        pk_rotate(&loud, d, 99)
        #expect(d < 64 || loud.allSatisfy { abs($0) < 7 / Double(d).squareRoot() }, "one loud dimension is spread out")
    }
}
