// Short codes at every instruction set: integer sums against integers, bounds against Float64.
import CKernels
import Foundation
import Gaussians
import TestSupport
import Testing

@Suite struct CodeKernelTests {
    /// How bits are spread over the dimensions.
    enum Spread: CaseIterable, Sendable {
        /// Four for all.
        case even
        /// Eight for some, four for some, two for the rest.
        case mixed
        /// Eight for nearly all.
        case rich

        func plan(_ d: Int) -> pk_code_plan {
            var plan = pk_code_plan()
            plan.d = d
            (plan.weight8, plan.weight4, plan.weight2) = (1, 1, 1)
            let eight = self == .even ? 0 : self == .rich ? (d + 3) / 4 : d / 12
            let four = self == .even ? (d + 7) / 8 : self == .rich ? 0 : (d - 4 * eight) / 16
            plan.chunks8 = eight
            plan.chunks4 = four
            plan.chunks2 = max(d - 4 * eight - 8 * four + 15, 0) / 16
            return plan
        }
    }

    /// A block of codes of 256 seeded means.
    struct Block {
        let dimension: Int
        let plan: pk_code_plan
        let means: [Float]
        let centroid: [Float]
        let bases: [Double]
        var coarse: [Float]
        var residual: [Float]
        var fine: [Float]

        init(
            _ plan: pk_code_plan, means: [Float], centroid: [Float], variance: Double = 0.02, axes: [Float]? = nil,
            kernels: Kernels = .best
        ) {
            let dimension = plan.d
            self.dimension = dimension
            self.plan = plan
            self.means = means
            self.centroid = centroid
            bases = (0..<256).map { slot in
                let mean = Array(means[(slot * dimension)..<((slot + 1) * dimension)])
                return pk_dot_f64(mean, mean, dimension) + variance
            }
            coarse = [Float](repeating: 0, count: 64 * withUnsafePointer(to: plan) { pk_coarse_row_size($0) })
            residual = [Float](repeating: 0, count: 64 * pk_residual_row_size(dimension))
            fine = [Float](repeating: 0, count: 64 * pk_fine_row_size(dimension))
            var centred = [Float](repeating: 0, count: 256 * dimension)
            var rotated = [Double](repeating: 0, count: 256 * dimension)
            withUnsafePointer(to: plan) {
                kernels.table.pointee.encode_block(
                    $0, axes, 7, means, bases, centroid, &centred, &rotated, &coarse, &residual, &fine)
            }
        }

        /// The key of an item in Float64: |x|^2 + total variance less twice the product of query and x - c.
        func key(_ query: [Float], _ slot: Int) -> Double {
            var product = 0.0
            for j in 0..<dimension {
                product += Double(query[j]) * (Double(means[slot * dimension + j]) - Double(centroid[j]))
            }
            return bases[slot] - 2 * product
        }

        /// The coarse bounds of every item for some queries.
        func bounds(_ kernels: Kernels, _ queries: [UnsafePointer<pk_code_query>], count: Int = 256) -> [[Float]] {
            let bounds = queries.map { _ in UnsafeMutablePointer<Float>.allocate(capacity: 513) }
            for bound in bounds { bound.update(repeating: .nan, count: 513) }
            defer { bounds.forEach { $0.deallocate() } }
            coarse.withUnsafeBytes { column in
                let columns: [UnsafeRawPointer?] = [nil, column.baseAddress]
                kernels.table.pointee.bound_coarse(queries, queries.count, columns, 2, nil, bounds)
            }
            for bound in bounds {
                #expect((0..<256).allSatisfy { bound[$0] == -.infinity }, "no column, no bound")
                #expect(bound[512].isNaN, "nothing is written beyond")
            }
            return bounds.map { bound in (256..<512).map { bound[$0] } }
        }

        /// The bounds of every item for many queries from fine codes; nil where a level has none.
        func together(_ kernels: Kernels, _ queries: [UnsafePointer<pk_code_query>]) -> [[Float]]? {
            guard let bound = kernels.table.pointee.bound_fine_blocks else { return nil }
            let bounds = queries.map { _ in UnsafeMutablePointer<Float>.allocate(capacity: 513) }
            for bound in bounds { bound.update(repeating: .nan, count: 513) }
            defer { bounds.forEach { $0.deallocate() } }
            fine.withUnsafeBytes { column in
                bound(queries, queries.count, [nil, column.baseAddress], 2, bounds)
            }
            for bound in bounds {
                #expect((0..<256).allSatisfy { bound[$0] == -.infinity }, "no column, no bound")
                #expect(bound[512].isNaN, "nothing is written beyond")
            }
            return bounds.map { bound in (256..<512).map { bound[$0] } }
        }

        /// Coarse bounds, raised by the residual codes of some slots.
        func raised(_ coarse: [Float], _ kernels: Kernels, _ query: UnsafePointer<pk_code_query>, _ index: [UInt32])
            -> [Float]
        {
            var bounds = index.map { coarse[Int($0)] } + [.nan]
            residual.withUnsafeBytes { column in
                let columns: [UnsafeRawPointer?] = [column.baseAddress]
                let raised = kernels.table.pointee.raise_by_residuals(query, columns, index, index.count, &bounds)
                #expect(raised == index.count)
            }
            #expect(bounds[index.count].isNaN, "nothing is written beyond")
            return Array(bounds.dropLast())
        }
    }

    /// Runs `body` with a prepared query.
    func withPrepared(
        _ query: [Float], _ plan: pk_code_plan, axes: [Float]? = nil, _ body: (UnsafePointer<pk_code_query>) -> Void
    ) {
        let d = query.count
        var coarse = [Int8](repeating: 0, count: withUnsafePointer(to: plan) { pk_coarse_query_size($0) })
        var residual = [Int8](repeating: 1, count: pk_residual_query_size(d))
        var high = [Int8](repeating: 0, count: d)
        var low = high
        var together = [Int8](repeating: 1, count: 64 + (d + 15) / 16 * 16)
        var rotated = query.map(Double.init)
        if let axes {
            Kernels.best.table.pointee.matmul_f64(query, axes, 1, d, d, 0, &rotated)
        } else {
            pk_rotate(&rotated, d, 7)
        }
        let norm = pk_dot_f64(query, query, d).squareRoot()
        coarse.withUnsafeMutableBufferPointer { coarse in
            high.withUnsafeMutableBufferPointer { high in
                low.withUnsafeMutableBufferPointer { low in
                    guard let coarse = coarse.baseAddress, let high = high.baseAddress, let low = low.baseAddress else {
                        return
                    }
                    together.withUnsafeMutableBufferPointer { together in
                        residual.withUnsafeMutableBufferPointer { residual in
                            withUnsafeTemporaryAllocation(of: pk_code_query.self, capacity: 1) { out in
                                guard let out = out.baseAddress, let residual = residual.baseAddress,
                                    let together = together.baseAddress
                                else { return }
                                withUnsafePointer(to: plan) {
                                    pk_prepare_query($0, rotated, norm, 0, coarse, residual, high, low, together, out)
                                }
                                body(UnsafePointer(out))
                            }
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: KernelTests.sizes, Spread.allCases) func codesAreTheSameBytesAtEveryLevel(d: Int, spread: Spread) {
        var generator = SeededGenerator(seed: UInt64(d) + 450)
        let centroid = generator.normals(d)
        var means = generator.normals(256 * d)
        // What cannot be coded, and what is nearly so.
        (means[3], means[d + d / 2], means[2 * d]) = (.nan, .infinity, 1e20)
        for j in 0..<d { (means[5 * d + j], means[6 * d + j]) = (0, centroid[j]) }
        for axes in [nil, generator.normals(d * d)] {
            let blocks = Kernels.available.map {
                Block(spread.plan(d), means: means, centroid: centroid, axes: axes, kernels: $0)
            }
            for (kernels, block) in zip(Kernels.available, blocks) {
                func bytes(_ column: [Float]) -> [UInt32] { column.map(\.bitPattern) }
                #expect(bytes(block.coarse) == bytes(blocks[0].coarse), "\(kernels.name)")
                #expect(bytes(block.residual) == bytes(blocks[0].residual), "\(kernels.name)")
                #expect(bytes(block.fine) == bytes(blocks[0].fine), "\(kernels.name)")
            }
            let last = blocks[0].fine[(blocks[0].fine.count / 2)...]
            #expect(last.contains { $0 != 0 && $0.isFinite }, "most items are coded")
        }
    }

    @Test(arguments: KernelTests.sizes, Spread.allCases) func integerSumsAreExact(d: Int, spread: Spread) {
        var generator = SeededGenerator(seed: UInt64(d) + 500)
        let plan = spread.plan(d)
        let chunks = (plan.chunks8, plan.chunks4, plan.chunks2)
        let size = withUnsafePointer(to: plan) { pk_coarse_query_size($0) }
        let group = (0..<(128 * (chunks.0 + chunks.1 + chunks.2))).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
        let levels = withUnsafeBytes(of: pk_levels4) { $0.map(Int32.init) }
        for isExtreme in [false, true] {
            let query = (0..<size).map { _ in isExtreme ? -127 : Int8.random(in: -127...127, using: &generator) }
            let codes = isExtreme ? [UInt8](repeating: 255, count: group.count) : group
            var truth = [Int32](repeating: 0, count: 128)
            for item in 0..<32 {
                func byte(_ chunk: Int, _ b: Int) -> UInt8 { codes[chunk * 128 + item * 4 + b] }
                for j in 0..<(4 * chunks.0) {
                    truth[item] += Int32(query[j]) * Int32(byte(j / 4, j % 4))
                    truth[32 + item] += Int32(query[4 * chunks.0 + j]) * Int32(byte(j / 4, j % 4))
                }
                for j in 0..<(8 * chunks.1) {
                    let pair = byte(chunks.0 + j / 8, j % 4)
                    truth[64 + item] +=
                        Int32(query[8 * chunks.0 + j]) * levels[Int(j % 8 < 4 ? pair & 15 : pair >> 4)]
                }
                for j in 0..<(16 * chunks.2) {
                    let four = byte(chunks.0 + chunks.1 + j / 16, j % 4)
                    truth[96 + item] +=
                        Int32(query[8 * chunks.0 + 8 * chunks.1 + j]) * Int32(four >> (2 * UInt8(j % 16 / 4)) & 3)
                }
            }
            for kernels in Kernels.available {
                var out = [Int32](repeating: -1, count: 129)
                query.withUnsafeBufferPointer { integers in
                    guard let integers = integers.baseAddress else { return }
                    withPrepared([Float](repeating: 1, count: d), plan) { prepared in
                        var prepared = prepared.pointee
                        prepared.coarse = integers
                        kernels.table.pointee.dot_coarse(&prepared, codes, &out)
                    }
                }
                #expect(Array(out[..<128]) == truth && out[128] == -1, "\(kernels.name)")
            }
        }
    }

    @Test(arguments: KernelTests.sizes) func fineSumsAreExact(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 501)
        let random = { (0..<d).map { _ in Int8.random(in: -127...127, using: &generator) } }
        let row = (0..<d).map { _ in UInt8.random(in: 1...255, using: &generator) }
        let cases = [
            (random(), random(), row),
            ([Int8](repeating: 127, count: d), [Int8](repeating: -127, count: d), [UInt8](repeating: 255, count: d)),
        ]
        for (high, low, row) in cases {
            let truth = [high, low].map { zip($0, row).reduce(Int32(0)) { $0 + Int32($1.0) * Int32($1.1) } }
            for kernels in Kernels.available {
                var pair: [Int32] = [0, 0, -1]
                kernels.table.pointee.dot_fine(high, low, row, d, &pair)
                #expect(pair == truth + [-1], "\(kernels.name)")
            }
        }
    }

    @Test(arguments: KernelTests.sizes, [Float(1), 1e-18, 1e9]) func boundsHoldAndAreTight(d: Int, scale: Float) {
        var generator = SeededGenerator(seed: UInt64(d) + 600)
        let means = generator.normals(256 * d).map { $0 * scale }
        let centroid = generator.normals(d).map { $0 * scale }
        let index = (0..<256).reversed().map { UInt32($0) }
        for spread in Spread.allCases {
            let block = Block(
                spread.plan(d), means: means, centroid: centroid, variance: Double(scale) * Double(scale))
            // Four levels leave 0.34 of a number's size, sixteen 0.1: at few dimensions an item may be all outliers.
            let looseness = spread == .mixed ? 0.9 : 0.3
            for query in [generator.normals(d), generator.normals(d).map { $0 * scale }] {
                let length = pk_dot_f64(query, query, d).squareRoot()
                withPrepared(query, block.plan) { prepared in
                    for kernels in Kernels.available {
                        let coarse = block.bounds(kernels, [prepared])[0]
                        let raised = block.raised(coarse, kernels, prepared, index)
                        var fine = [Float](repeating: .nan, count: 256)
                        block.fine.withUnsafeBytes { column in
                            let columns: [UnsafeRawPointer?] = [column.baseAddress]
                            kernels.table.pointee.bound_fine(prepared, columns, index, 256, &fine)
                        }
                        let together = block.together(kernels, [prepared])?[0]
                        var gaps = (coarse: 0.0, raised: 0.0, margin: 0.0)
                        for slot in 0..<256 {
                            let key = block.key(query, slot)
                            // The item's part of the key's size: what relative margins are relative to.
                            let size = block.bases[slot] + 8 * length * (block.bases[slot].squareRoot() + 1e-30)
                            #expect(Double(coarse[slot]) <= key, "\(kernels.name) \(spread), coarse, slot \(slot)")
                            #expect(
                                Double(raised[255 - slot]) <= key, "\(kernels.name) \(spread), residual, slot \(slot)")
                            #expect(Double(fine[255 - slot]) <= key, "\(kernels.name) \(spread), fine, slot \(slot)")
                            #expect(key - Double(coarse[slot]) <= looseness * size + 1e-29, "\(kernels.name) is loose")
                            if let bound = together?[slot] {
                                #expect(Double(bound) <= key, "\(kernels.name) \(spread), together, slot \(slot)")
                                #expect(key - Double(bound) <= 0.03 * size + 1e-29, "\(kernels.name) together is loose")
                            }
                            gaps.margin += size * 0x1p-17
                            gaps.coarse += key - Double(coarse[slot])
                            gaps.raised += key - Double(raised[255 - slot])
                            #expect(raised[255 - slot] >= coarse[slot], "\(kernels.name) lowers a bound")
                            #expect(
                                key - Double(fine[255 - slot]) <= 0.02 * size + 1e-29, "\(kernels.name) fine is loose")
                        }
                        #expect(
                            gaps.raised <= 0.7 * gaps.coarse + gaps.margin + 1e-25,
                            "\(kernels.name) \(spread) raises by little")
                    }
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 8, 9, 13, 15, 32], [1, 17, 48, 64, 72, 200])
    func queriesThatShareAReadingGetTheirOwnBounds(count: Int, d: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        let block = Block(
            Spread.mixed.plan(d), means: generator.normals(256 * d), centroid: generator.normals(d))
        var queries: [UnsafePointer<pk_code_query>] = []
        func add(_ body: () -> Void) {
            guard queries.count < count else { return body() }
            withPrepared(generator.normals(d), block.plan) { prepared in
                queries.append(prepared)
                add(body)
            }
        }
        add {
            for kernels in Kernels.available {
                if count <= Int(PK_QUERIES) {
                    let together = block.bounds(kernels, queries)
                    #expect(together == queries.map { block.bounds(kernels, [$0])[0] }, "\(kernels.name)")
                }
                let fine = block.together(kernels, queries)
                #expect(fine == fine.map { _ in queries.compactMap { block.together(kernels, [$0])?[0] } })
            }
        }
    }

    /// Numbers that are the same everywhere: no logarithm, no cosine.
    private static func evenNumbers(_ count: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float(Int64(generator.next() >> 40) - 1 << 23) / Float(1 << 23) }
    }

    /// Codes outlive a program: other bytes need another `CodeParameters.version`.
    @Test func codesAreThoseOfTheirVersion() {
        let d = 40
        let (means, centroid) = (Self.evenNumbers(256 * d, seed: 1), Self.evenNumbers(d, seed: 2))
        var sums: [UInt32] = []
        for axes in [nil, Self.evenNumbers(d * d, seed: 3).map { $0 / 4 }] {
            let block = Block(Spread.mixed.plan(d), means: means, centroid: centroid, axes: axes)
            for column in [block.coarse, block.residual, block.fine] {
                sums.append(pk_crc32c(0, column, 4 * column.count))
            }
        }
        #expect(
            sums == [542_732_883, 1_650_517_080, 3_347_639_945, 2_039_456_496, 657_375_649, 1_593_968_144])
    }

    @Test func itemsThatCannotBeCodedAreNeverExcluded() {
        var generator = SeededGenerator(seed: 8)
        var means = generator.normals(256 * 9)
        means[0] = .infinity
        means[9] = .nan
        means[18] = 3e38
        let block = Block(Spread.even.plan(9), means: means, centroid: [Float](repeating: 0, count: 9))
        withPrepared(generator.normals(9), block.plan) { prepared in
            for kernels in Kernels.available {
                let coarse = block.bounds(kernels, [prepared])[0]
                #expect(coarse[..<3].allSatisfy { !($0 > -.infinity) } && coarse[3].isFinite, "\(kernels.name)")
                var lower = [Float](repeating: 0, count: 6)
                block.fine.withUnsafeBytes { column in
                    let columns: [UnsafeRawPointer?] = [column.baseAddress, nil]
                    kernels.table.pointee.bound_fine(prepared, columns, [0, 1, 2, 3, 256, 511], 6, &lower)
                }
                #expect(lower[..<3].allSatisfy { $0 == -.infinity } && lower[3].isFinite, "\(kernels.name)")
                #expect(lower[4] == -.infinity && lower[5] == -.infinity, "no column, no bound")
                if let together = block.together(kernels, [prepared])?[0] {
                    #expect(together[..<3].allSatisfy { !($0 > -.infinity) } && together[3].isFinite, "\(kernels.name)")
                }
                let raised = block.raised(coarse, kernels, prepared, [0, 1, 2, 3])
                #expect(raised[..<3].allSatisfy { !($0 > -.infinity) } && raised[3] > coarse[3], "\(kernels.name)")
            }
        }
    }

    @Test(arguments: KernelTests.sizes) func productsOfMatricesAreTheSameAtEveryLevel(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 900)
        for n in [1, 7, 8, 13] {
            let a = generator.normals(n * d)
            let b = generator.normals(d * d)
            let start = generator.normals(n * d).map(Double.init)
            for adds in [0, 1] as [Int32] {
                var truth = adds == 1 ? start : [Double](repeating: 0, count: n * d)
                for i in 0..<n {
                    for j in 0..<d {
                        for o in 0..<d { truth[i * d + o] += Double(a[i * d + j]) * Double(b[j * d + o]) }
                    }
                }
                for kernels in Kernels.available {
                    var out = start + [-1]
                    kernels.table.pointee.matmul_f64(a, b, n, d, d, adds, &out)
                    #expect(Array(out.dropLast()) == truth && out.last == -1, "\(kernels.name) n=\(n)")
                }
            }
        }
    }

    @Test(arguments: KernelTests.sizes) func distancesAreTheSameBytesAtEveryLevel(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 901)
        let (a, b) = (generator.normals(d), generator.normals(d))
        for kernels in Kernels.available {
            #expect(
                kernels.table.pointee.squared_distance_f64(a, b, d) == pk_squared_distance_f64(a, b, d),
                "\(kernels.name)")
        }
    }

    @Test(arguments: KernelTests.sizes) func totalVariancesAreTheSameBytesAtEveryLevel(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 903)
        for (center, spread) in [(-9.7, 0.3), (-11, 2), (0, 1), (-300, 100), (300, 90), (0, 0)] as [(Float, Float)] {
            let logVariances = generator.normals(d).map { max(min(center + spread * $0, 700), -700) }
            let truth = logVariances.reduce(0) { $0 + exp(Double($1)) }
            let first = logVariances.withUnsafeBufferPointer {
                Gaussian.totalVariance($0, kernels: Kernels.available[0])
            }
            #expect(abs(first - truth) <= Double(d + 2) * 0x1p-52 * truth, "\(first) \(truth)")
            for kernels in Kernels.available {
                let got = logVariances.withUnsafeBufferPointer { Gaussian.totalVariance($0, kernels: kernels) }
                #expect(got == first, "\(kernels.name) around \(center)")
            }
        }
    }

    @Test func eachVarianceIsExactToTwoUnitsInTheLastPlace() {
        for step in 0..<20_000 {
            let x = -700 + Float(step) * 0.07
            let got = [x].withUnsafeBufferPointer { Gaussian.totalVariance($0) }
            #expect(abs(got - exp(Double(x))) <= 2 * exp(Double(x)).ulp, "\(x)")
        }
    }

    @Test func totalVariancesThatDifferByRoundingAreTheSame() {
        #expect(Gaussian.areSame(0, 0) && Gaussian.areSame(.infinity, .infinity) && Gaussian.areSame(1, 1 + 1e-13))
        #expect(!Gaussian.areSame(1, 1 + 1e-9) && !Gaussian.areSame(1, .infinity) && !Gaussian.areSame(0, 1e-300))
        #expect(!Gaussian.areSame(.nan, .nan) && !Gaussian.areSame(.nan, 1))
    }

    @Test func totalVariancesOfOtherNumbersAreTheSystems() {
        for kernels in Kernels.available {
            func totalVariance(_ logVariances: [Float]) -> Double {
                logVariances.withUnsafeBufferPointer { Gaussian.totalVariance($0, kernels: kernels) }
            }
            #expect(totalVariance([]) == 0 && totalVariance([Float](repeating: -.infinity, count: 33)) == 0)
            #expect(totalVariance([0, -.infinity, 0]) == 2 && totalVariance([-720]) == exp(-720.0))
            #expect(totalVariance([1, 800]) == .infinity && totalVariance([0, .nan, 0]).isNaN)
        }
    }

    @Test(arguments: [1, 2, 9, 40]) func rowsBecomeOrthonormal(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 902)
        let normal = generator.normals(d * d).map(Double.init)
        var dependent = normal
        for j in 0..<d { dependent[(d - 1) * d + j] = d > 1 ? 3 * normal[j] : 0 }
        // Rows of one four that depend on each other, and on those before.
        for j in 0..<d where d > 8 {
            dependent[5 * d + j] = normal[4 * d + j]
            dependent[6 * d + j] = normal[4 * d + j] + normal[d + j]
        }
        for kernels in Kernels.available {
            for start in [normal, dependent, [Double](repeating: 0, count: d * d)] {
                var rows = start
                kernels.table.pointee.orthonormalise(&rows, d, d)
                for i in 0..<d {
                    for k in 0...i {
                        let product = (0..<d).reduce(0.0) { $0 + rows[i * d + $1] * rows[k * d + $1] }
                        #expect(abs(product - (i == k ? 1 : 0)) < 1e-9, "\(kernels.name) rows \(i) and \(k)")
                    }
                }
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
                var out = [UInt32](repeating: 7, count: n + 1)
                var values = [Float](repeating: 7, count: n + 1)
                let count = kernels.table.pointee.select_not_above(numbers, n, 0.5, &out, &values)
                #expect(Array(out[..<count]) == truth, "\(kernels.name)")
                #expect(values[..<count].map(\.bitPattern) == truth.map { numbers[Int($0)].bitPattern })
                #expect(out[n] == 7 && values[n] == 7, "nothing is written beyond")
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
