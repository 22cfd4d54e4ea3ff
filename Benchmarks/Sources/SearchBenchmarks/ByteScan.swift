// The coarse kernel over codes of eight bits: how near it comes to reading them only.
import CKernels
import Foundation
import Gaussians
import Retrieval
import Storage

/// `SearchBenchmarks int8 [--count N] [--dimension D] [--output FILE]`: all dimensions in eight bits, one query, one thread.
///
/// Blocks of random means are coded once and repeated, at addresses of their own. Every bound of the coded blocks is compared
/// with the key in Float64.
struct ByteScan {
    /// Blocks that are coded; the others repeat them.
    private static let distinct = 16
    /// Blocks a call goes through, as a search's does.
    private static let stride = 8

    private let count: Int
    private let dimension: Int
    private let parameters: CodeParameters
    private let query: [Float]
    private let means: [[Float]]
    private let columns: [UnsafeRawPointer?]
    private let memory: UnsafeMutableRawPointer
    private var columnSize: Int { GaussianCodec.slotsPerBlock * parameters.rowSize(.coarseCodes) }

    /// Runs if the first argument asks for it.
    static func runs(_ arguments: ArraySlice<String>) throws -> Bool {
        guard arguments.first == "int8" else { return false }
        var (count, dimension, output) = (1_000_000, 768, String?.none)
        var rest = Array(arguments.dropFirst())
        while rest.count >= 2 {
            let (name, value) = (rest.removeFirst(), rest.removeFirst())
            switch name {
            case "--count": count = Int(value) ?? count
            case "--dimension": dimension = Int(value) ?? dimension
            case "--output": output = value
            default: throw UnknownArgument(argument: name)
            }
        }
        if let argument = rest.first { throw UnknownArgument(argument: argument) }
        let scan = ByteScan(count: count, dimension: dimension)
        defer { scan.memory.deallocate() }
        print(Measurement.header)
        let lines = try scan.measure()
        if let output {
            try (lines.joined(separator: "\n") + "\n").write(toFile: output, atomically: true, encoding: .utf8)
        }
        return true
    }

    private init(count: Int, dimension: Int) {
        let slots = GaussianCodec.slotsPerBlock
        let blocks = (count + slots - 1) / slots
        var data = CrossModalData(dimension: dimension)
        var plan = pk_code_plan()
        plan.d = dimension
        plan.chunks8 = (dimension + 3) / 4
        (plan.weight8, plan.weight4, plan.weight2) = (1, 1, 1)
        let parameters = CodeParameters(
            seed: 1, sampleCount: 0, centroid: [Float](repeating: 0, count: dimension), axes: nil, plan: plan)
        let size = slots * parameters.rowSize(.coarseCodes)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: blocks * size, alignment: 4_096)
        means = (0..<min(Self.distinct, blocks)).map { _ in (0..<slots).flatMap { _ in data.picture().mean } }
        for (number, means) in means.enumerated() {
            let scalars: [Double] = (0..<slots).flatMap { [Self.squaredNorm(means, $0, dimension), 0] }
            let rows = means.withUnsafeBytes { means in
                scalars.withUnsafeBytes { parameters.encode(means: means, scalars: $0)[0].rows }
            }
            rows.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(start: memory + number * size, count: size).copyMemory(from: $0)
            }
        }
        for number in means.count..<max(blocks, means.count) {
            (memory + number * size).copyMemory(from: memory + number % means.count * size, byteCount: size)
        }
        columns = (0..<blocks).map { UnsafeRawPointer(memory + $0 * size) }
        query = data.text().mean
        self.count = blocks * slots
        self.dimension = dimension
        self.parameters = parameters
        self.memory = memory
    }

    private static func squaredNorm(_ means: [Float], _ slot: Int, _ dimension: Int) -> Double {
        let mean = Array(means[(slot * dimension)..<((slot + 1) * dimension)])
        return pk_dot_f64(mean, mean, dimension)
    }

    /// Scans and readings of the same memory, in turns: whatever else the machine does disturbs both.
    private func measure() throws -> [String] {
        let memory = Roofline.Memory(pieces: columns, size: columnSize)
        let name = "scan/int8/threads=1/D=\(dimension)/N=\(count)"
        var (scans, readings, sum) = ([Double](), [Double](), UInt64(0))
        try withPrepared { query in
            try check(query, name)
            var bounds = [Float](repeating: 0, count: Self.stride * GaussianCodec.slotsPerBlock)
            scan(query, &bounds)
            for _ in 0..<60 {
                let start = ContinuousClock.now
                sum &+= memory.read(isReversed: false)
                let middle = ContinuousClock.now
                scan(query, &bounds)
                readings.append(Measurement.seconds(middle - start))
                scans.append(Measurement.seconds(ContinuousClock.now - middle))
            }
        }
        withExtendedLifetime(sum) {}
        let fields = ["N": "\(count)", "bytes": "\(memory.bytes)", "core_type": "\"\(Kernels.best.name)\""]
        return [
            Measurement(name: "read/int8/bytes=\(memory.bytes)", seconds: readings, items: memory.bytes),
            Measurement(name: name, seconds: scans, items: count),
        ].map { measurement in
            print(measurement.row)
            return measurement.json(fields)
        }
    }

    private func scan(_ query: UnsafePointer<pk_code_query>, _ bounds: inout [Float]) {
        let kernel = Kernels.best.table.pointee.bound_coarse
        bounds.withUnsafeMutableBufferPointer { bounds in
            guard let out = bounds.baseAddress else { return }
            columns.withUnsafeBufferPointer { columns in
                guard let start = columns.baseAddress else { return }
                for first in Swift.stride(from: 0, to: columns.count, by: Self.stride) {
                    let blocks = min(Self.stride, columns.count - first)
                    let next = first + blocks < columns.count ? columns[first + blocks] : nil
                    withUnsafePointer(to: query) { query in
                        withUnsafePointer(to: out) { kernel(query, 1, start + first, blocks, next, $0) }
                    }
                }
            }
        }
    }

    /// Every bound of the coded blocks is below its key, and near it.
    private func check(_ query: UnsafePointer<pk_code_query>, _ name: String) throws {
        let slots = GaussianCodec.slotsPerBlock
        var bounds = [Float](repeating: 0, count: Self.stride * slots)
        for (number, means) in means.enumerated() {
            bounds.withUnsafeMutableBufferPointer { bounds in
                guard let out = bounds.baseAddress else { return }
                withUnsafePointer(to: query) { query in
                    withUnsafePointer(to: out) {
                        Kernels.best.table.pointee.bound_coarse(query, 1, [columns[number]], 1, nil, $0)
                    }
                }
            }
            for slot in 0..<slots {
                let mean = Array(means[(slot * dimension)..<((slot + 1) * dimension)])
                let key = pk_dot_f64(mean, mean, dimension) - 2 * pk_dot_f64(self.query, mean, dimension)
                guard Double(bounds[slot]) <= key, key - Double(bounds[slot]) < 0.1 else {
                    throw WrongAnswer(name: "\(name): \(bounds[slot]) for \(key)")
                }
            }
        }
    }

    /// Runs `body` with the query, prepared.
    private func withPrepared(_ body: (UnsafePointer<pk_code_query>) throws -> Void) rethrows {
        var rotated = query.map(Double.init)
        pk_rotate(&rotated, dimension, parameters.seed)
        let norm = pk_dot_f64(query, query, dimension).squareRoot()
        let prepared = PreparedQuery(rotated[...], norm: norm, parameters, deviations: 0)
        try withExtendedLifetime(prepared) { try body(prepared.pointer) }
    }
}
