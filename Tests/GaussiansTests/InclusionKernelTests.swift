// Containment and inclusion from half-precision variances at every instruction set: within their error of Float64.
import CKernels
import Foundation
import Gaussians
import TestSupport
import Testing

@Suite struct InclusionKernelTests {
    /// A block of 256 Gaussians with its column of half-precision variances.
    struct Block {
        let gaussians: [Gaussian]
        let means: [Float]
        let column: [Double]

        init(_ gaussians: [Gaussian]) {
            let dimension = gaussians[0].dimension
            self.gaussians = gaussians
            means = gaussians.flatMap(\.mean)
            column = InclusionKernelTests.column(gaussians.flatMap(\.logVariance), dimension)
        }

        init(dimension: Int, _ generator: inout SeededGenerator, spread: Float = 0.5) {
            self.init(
                (0..<256).map { index in
                    var gaussian = generator.gaussian(dimension: dimension, logVariance: -11 + Float(index % 5))
                    gaussian.logVariance = gaussian.logVariance.map { $0 + spread * generator.normal() }
                    return gaussian
                })
        }
    }

    static func column(_ logVariances: [Float], _ dimension: Int) -> [Double] {
        var column = [Double](repeating: .nan, count: (256 * pk_half_row_size(dimension) + 7) / 8)
        var scratch = [Float](repeating: 0, count: dimension)
        pk_encode_halves(logVariances, dimension, &scratch, &column)
        return column
    }

    /// [4][256]: both containments and their errors.
    func bounds(_ query: Gaussian, _ block: Block, _ slots: [UInt32], _ kernels: Kernels) throws -> [Double] {
        var out = [Double](repeating: .nan, count: 1_025)
        let prepared = try #require(InclusionQuery(try PreparedGaussian(query)))
        prepared.withPrepared {
            kernels.table.pointee.bound_inclusion($0, block.column, block.means, slots, slots.count, &out)
        }
        #expect(out[1_024].isNaN, "\(kernels.name) wrote beyond its output")
        return out
    }

    @Test(arguments: KernelTests.sizes) func containmentsAreWithinTheirErrorOfFloat64(d: Int) throws {
        var generator = SeededGenerator(seed: UInt64(d) + 900)
        let block = Block(dimension: d, &generator)
        let slots = (0..<256).map { UInt32(255 - $0) }
        for level: Float in [-14, -10, -6] {
            let query = generator.gaussian(dimension: d, logVariance: level)
            for kernels in Kernels.available {
                let got = try bounds(query, block, slots, kernels)
                for (place, slot) in slots.enumerated() {
                    let item = block.gaussians[Int(slot)]
                    let upward = try #require(query.containment(in: item))
                    let downward = try #require(item.containment(in: query))
                    let inclusion = try #require(query.inclusion(in: item))
                    let (error, backward) = (got[512 + place], got[768 + place])
                    #expect(abs(got[place] - upward) <= error, "\(kernels.name)")
                    #expect(abs(got[256 + place] - downward) <= backward, "\(kernels.name)")
                    #expect(abs(got[place] - got[256 + place] - inclusion) <= error + backward, "\(kernels.name)")
                    // A thousandth of the distance and a quarter of a thousandth a dimension: as tight as derived.
                    let distance = (0..<d).reduce(0.0) { sum, j in
                        let difference = Double(query.mean[j]) - Double(item.mean[j])
                        let (u, w) = (exp(Double(query.logVariance[j])), exp(Double(item.logVariance[j])))
                        return sum + difference * difference / min(u + 2 * w, w + 2 * u)
                    }
                    #expect(
                        max(error, backward) <= 6e-4 * distance + 2.6e-4 * Double(d) + 1e-5, "\(kernels.name) is loose")
                }
            }
        }
    }

    @Test(arguments: KernelTests.sizes) func onlyTheSlotsAskedForAreRead(d: Int) throws {
        var generator = SeededGenerator(seed: UInt64(d) + 950)
        let block = Block(dimension: d, &generator)
        let query = generator.gaussian(dimension: d, logVariance: -9)
        for kernels in Kernels.available {
            let all = try bounds(query, block, (0..<256).map { UInt32($0) }, kernels)
            for slots: [UInt32] in [[], [0], [255], [7, 3, 200], [1, 1, 2, 250, 251]] {
                let some = try bounds(query, block, slots, kernels)
                for row in 0..<4 {
                    #expect(slots.indices.allSatisfy { some[256 * row + $0] == all[256 * row + Int(slots[$0])] })
                    #expect(slots.count == 256 || some[256 * row + slots.count].isNaN, "\(kernels.name)")
                }
            }
        }
    }

    @Test func whatHalfPrecisionCannotHoldIsKnownToBeUnknown() throws {
        let d = 40
        var generator = SeededGenerator(seed: 77)
        var gaussians = Block(dimension: d, &generator).gaussians
        gaussians[0].logVariance[3] = -.infinity
        gaussians[1].logVariance[3] = .nan
        gaussians[2].logVariance[3] = 200
        gaussians[3].logVariance[3] -= 30  // too far from the others for one scale
        gaussians[4].logVariance = gaussians[4].logVariance.map { $0 + 80 }
        gaussians[5].mean[7] = .infinity
        gaussians[6].mean[7] = .nan
        gaussians[7].logVariance = [Float](repeating: -84, count: d)
        gaussians[8].logVariance[0] += 14
        let block = Block(gaussians)
        let query = generator.gaussian(dimension: d, logVariance: -9)
        for kernels in Kernels.available {
            let got = try bounds(query, block, (0..<256).map { UInt32($0) }, kernels)
            for slot in 0..<7 {
                #expect(got[512 + slot] == .infinity && got[768 + slot] == .infinity, "\(kernels.name) \(slot)")
                #expect(got[slot] == 0 && got[256 + slot] == 0, "\(kernels.name) \(slot)")
            }
            for slot in 7..<256 {
                let upward = try #require(query.containment(in: gaussians[slot]))
                let downward = try #require(gaussians[slot].containment(in: query))
                #expect(abs(got[slot] - upward) <= got[512 + slot], "\(kernels.name) \(slot)")
                #expect(abs(got[256 + slot] - downward) <= got[768 + slot], "\(kernels.name) \(slot)")
            }
        }
    }

    @Test func queriesBeyondTheKernelsRangeAreRefused() throws {
        var generator = SeededGenerator(seed: 78)
        var query = generator.gaussian(dimension: 20, logVariance: -9)
        #expect(InclusionQuery(try PreparedGaussian(query)) != nil)
        query.logVariance[4] = 40
        #expect(InclusionQuery(try PreparedGaussian(query)) == nil, "spread over more than 2^54")
        query.logVariance = [Float](repeating: 300, count: 20)
        #expect(InclusionQuery(try PreparedGaussian(query)) == nil)
        query = generator.gaussian(dimension: 20)
        query.mean[0] = 1e20
        #expect(InclusionQuery(try PreparedGaussian(query)) == nil)
    }

    @Test(arguments: KernelTests.sizes) func halvesAreScaledAndOffByTheirRoundingAtMost(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 960)
        let logVariances = (0..<(256 * d)).map { -12 + Float($0 / d % 7) + 0.8 * generator.normal() }
        Self.column(logVariances, d).withUnsafeBytes { column in
            for slot in 0..<256 {
                let row = logVariances[(slot * d)..<((slot + 1) * d)]
                let sum = column.loadUnaligned(fromByteOffset: 8 * slot, as: Double.self)
                let scale = column.loadUnaligned(fromByteOffset: 2_048 + 4 * slot, as: Float.self)
                let exact = row.reduce(0.0) { $0 + Double($1) }
                #expect(abs(sum - exact) <= 1e-12 * (abs(exact) + 1))
                #expect(scale > 0 && scale.significand == 1, "a power of two")
                let halves = (0..<pk_half_stride(d)).map {
                    VectorFixture.widened(
                        column.loadUnaligned(
                            fromByteOffset: 3_072 + 2 * (slot * pk_half_stride(d) + $0), as: UInt16.self))
                }
                for (half, logVariance) in zip(halves, row) {
                    let variance = exp(Double(logVariance))
                    let stored = Double(half) * Double(scale)
                    #expect(abs(stored - variance) <= (0x1p-11 + 0x1p-18) * variance)
                }
                #expect(halves[d...].allSatisfy { $0 == 0 })
                let top = halves.max() ?? 0
                #expect(top >= 16_384 && top <= 32_768)
            }
        }
    }

    @Test(arguments: KernelTests.sizes) func distancesAreTheSameBytesAtEveryLevel(d: Int) {
        var generator = SeededGenerator(seed: UInt64(d) + 970)
        let query = generator.normals(d)
        let rows = generator.normals(11 * d)
        let index: [UInt32] = [10, 0, 3, 3, 9, 1, 2]
        func exact(_ row: Int) -> Double {
            rows.withUnsafeBufferPointer { rows in
                rows.baseAddress.map { pk_squared_distance_f64(query, $0 + row * d, d) } ?? .nan
            }
        }
        for kernels in Kernels.available {
            for count in 0...7 {
                var out = [Double](repeating: -1, count: 12)
                kernels.table.pointee.squared_distances_f64(query, rows, index, count, d, &out)
                #expect(Array(out[..<count]) == index[..<count].map { exact(Int($0)) }, "\(kernels.name)")
                #expect(out[count...].allSatisfy { $0 == -1 })
            }
            var out = [Double](repeating: -1, count: 12)
            kernels.table.pointee.squared_distances_f64(query, rows, nil, 11, d, &out)
            #expect(Array(out[..<11]) == (0..<11).map(exact) && out[11] == -1, "\(kernels.name)")
        }
    }

    @Test(arguments: KernelTests.sizes) func counting(n: Int) {
        var generator = SeededGenerator(seed: UInt64(n) + 980)
        var numbers = generator.normals(n)
        let offsets = generator.normals(n)
        if n > 9 { (numbers[2], numbers[5], numbers[n - 1]) = (.nan, .infinity, -.infinity) }
        for threshold: Float in [-1, 0, 0.5, .infinity] {
            let truth = zip(numbers, offsets).count { $0 - $1 > threshold }
            for kernels in Kernels.available {
                #expect(kernels.table.pointee.count_above(numbers, offsets, n, threshold) == truth, "\(kernels.name)")
            }
        }
    }
}
