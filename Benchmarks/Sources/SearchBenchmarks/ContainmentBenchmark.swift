// Containment of one Gaussian in many: the kernel, the exact search, and the roofline, each result against Float64.
import CKernels
import Foundation
import Gaussians
import Retrieval
import Storage

/// `SearchBenchmarks containment [--count N] [--dimension D] [--folder FOLDER] [--export FOLDER] [--output FILE]`.
enum ContainmentBenchmark {
    /// Runs if the first argument asks for it.
    static func runs(_ arguments: ArraySlice<String>) throws -> Bool {
        guard arguments.first == "containment" else { return false }
        let options = try ContainmentOptions(arguments.dropFirst())
        let folder = "\(options.folder)/penumbra-containment-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var data = ContainmentData(dimension: options.dimension)
        let store = try build("\(folder)/index", options.count, &data)
        let query = data.query()
        if let export = options.export { try self.export(store, query, to: export) }
        var lines: [String] = []
        print(Measurement.header)
        func add(_ measurement: Measurement, _ note: String = "") {
            print(measurement.row + (note.isEmpty ? "" : "  " + note))
            lines.append(measurement.json)
        }
        try store.read { snapshot in
            let blocks = try snapshot.inclusionBlocks(of: .images)
            for entry in try measure(query, blocks, options) { add(entry.0, entry.1) }
        }
        if let output = options.output {
            try (lines.joined(separator: "\n") + "\n").write(toFile: output, atomically: true, encoding: .utf8)
        }
        return true
    }

    private static func build(_ path: String, _ count: Int, _ data: inout ContainmentData) throws -> IndexStore {
        let state = IndexState(
            root: nil, model: "synthetic", modelFingerprint: "0", encodingID: "synthetic", dimension: data.dimension)
        let store = try IndexStore.create(at: path, state)
        let writer = try IndexWriter(store)
        for first in stride(from: 0, to: count, by: 8_192) {
            var batch = Batch()
            for number in first..<min(first + 8_192, count) {
                batch.additions.append(
                    NewItem(name: Array("\(number)".utf8), file: nil, vector: .gaussian(data.item())))
            }
            try writer.commit(batch)
        }
        return store
    }

    private static func measure(
        _ query: Gaussian, _ blocks: [InclusionBlock], _ options: ContainmentOptions
    ) throws -> [(Measurement, String)] {
        let size = "D=\(options.dimension)/N=\(options.count)"
        let prepared = try PreparedGaussian(query)
        let truth = try truth(prepared, blocks)
        var entries: [(Measurement, String)] = []
        // What is read, where it lies: means in Float32, variances in half precision, two scalars.
        let slots = GaussianCodec.slotsPerBlock
        let means = Roofline.Memory(
            pieces: blocks.map { $0.view.count == slots ? UnsafeRawPointer($0.view.means) : nil },
            size: 4 * slots * options.dimension)
        let halves = Roofline.Memory(
            pieces: blocks.map(\.halves), size: slots * pk_half_row_size(options.dimension))
        for (measurement, _) in Roofline.read([means, halves]) {
            entries.append((measurement, "the roofline of both containments of \(options.count) items"))
        }
        for kernels in Kernels.available.reversed() {
            let scan = "containment/both/level=\(kernels.name)/threads=1/\(size)"
            var got: [Double] = []
            let measurement = try Measurement.run(scan, items: options.count) {
                got = try self.scan(prepared, blocks, kernels)
            }
            let worst = zip(got, truth).reduce(0) { max($0, abs($1.0 - $1.1)) }
            entries.append((measurement, "off by \(worst) nats at most"))
            for threads in [1, 2] where threads == 1 || kernels.name == Kernels.best.name {
                entries.append(try search(prepared, blocks, truth, kernels, threads, size))
            }
        }
        return entries
    }

    /// The ten largest containments, exact.
    private static func search(
        _ query: PreparedGaussian, _ blocks: [InclusionBlock], _ truth: [Double], _ kernels: Kernels, _ threads: Int,
        _ size: String
    ) throws -> (Measurement, String) {
        let name = "containment/exact/level=\(kernels.name)/threads=\(threads)/\(size)/k=10"
        let searcher = InclusionSearcher(query: query, kernels: kernels)
        var answer: (candidates: [InclusionCandidate], reranked: Int) = ([], 0)
        let measurement = try Measurement.run(name, items: truth.count) {
            answer = try searcher.largest(10, by: .containment, in: blocks, threads: threads)
        }
        let largest = truth.indices.sorted { (truth[$1], $0) < (truth[$0], $1) }.prefix(10)
        guard answer.candidates.map(\.nats) == largest.map({ truth[$0] }),
            answer.candidates.map(\.id.rawValue) == largest.map({ Int64($0 + 1) })
        else { throw WrongAnswer(name: name) }
        return (measurement, "\(answer.reranked) computed in Float64")
    }

    /// Containments of the query in every item, by the kernel alone; items without half precision are computed.
    private static func scan(
        _ query: PreparedGaussian, _ blocks: [InclusionBlock], _ kernels: Kernels
    ) throws -> [Double] {
        guard let prepared = InclusionQuery(query) else { throw WrongAnswer(name: "the query cannot be prepared") }
        let slots = (0..<256).map { UInt32($0) }
        var out = [Double](repeating: 0, count: 1_024)
        var all: [Double] = []
        for block in blocks {
            guard let halves = block.halves else {
                all += try (0..<block.view.count).map {
                    query.containment(in: try PreparedGaussian(block.gaussian($0)))
                }
                continue
            }
            prepared.withPrepared {
                kernels.table.pointee.bound_inclusion($0, halves, block.view.means, slots, 256, &out)
            }
            all += out[..<256]
        }
        return all
    }

    private static func truth(_ query: PreparedGaussian, _ blocks: [InclusionBlock]) throws -> [Double] {
        try blocks.flatMap { block in
            try (0..<block.view.count).map { query.containment(in: try PreparedGaussian(block.gaussian($0))) }
        }
    }

    /// Means, log variances and the query (mean, then log variances) as raw little-endian Float32 for the peers.
    private static func export(_ store: IndexStore, _ query: Gaussian, to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        func file(_ name: String) throws -> FileHandle {
            try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            return try FileHandle(forWritingTo: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        let (means, logVariances) = (try file("means.f32"), try file("log_variances.f32"))
        try store.read { snapshot in
            for block in try snapshot.inclusionBlocks(of: .images) {
                let bytes = 4 * block.view.count * query.dimension
                try means.write(contentsOf: Data(bytes: block.view.means, count: bytes))
                try logVariances.write(contentsOf: Data(bytes: block.logVariances, count: bytes))
            }
        }
        try means.close()
        try logVariances.close()
        try (query.mean + query.logVariance).withUnsafeBytes { Data($0) }
            .write(to: URL(fileURLWithPath: "\(folder)/query.f32"))
    }
}

/// Texts with variances that differ from dimension to dimension, and a picture to be held by them.
private struct ContainmentData {
    private var data: CrossModalData
    private var state: UInt64 = 7
    var dimension: Int { data.dimension }

    init(dimension: Int) { data = CrossModalData(dimension: dimension) }

    private mutating func roughened(_ gaussian: Gaussian) -> Gaussian {
        var gaussian = gaussian
        for j in gaussian.logVariance.indices {  // uniform, of standard deviation 0.3
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            gaussian.logVariance[j] += (Float(state >> 40) / 16_777_216 - 0.5) * 1.04
        }
        return gaussian
    }

    mutating func item() -> Gaussian { roughened(data.text()) }
    mutating func query() -> Gaussian { roughened(data.picture()) }
}

/// What the command line says.
private struct ContainmentOptions {
    var count = 100_000
    var dimension = 768
    var folder = NSTemporaryDirectory()
    var export: String?
    var output: String?

    init(_ arguments: ArraySlice<String>) throws {
        var arguments = Array(arguments)
        while arguments.count >= 2 {
            let (name, value) = (arguments.removeFirst(), arguments.removeFirst())
            switch name {
            case "--count": count = Int(value) ?? count
            case "--dimension": dimension = Int(value) ?? dimension
            case "--folder": folder = value
            case "--export": export = value
            case "--output": output = value
            default: throw UnknownArgument(argument: name)
            }
        }
        if let rest = arguments.first { throw UnknownArgument(argument: rest) }
    }
}
