// Search at sizes no gallery has: seeded Gaussians are stored, searched, and every answer is checked against Float64.
import CKernels
import Foundation
import Gaussians
import Retrieval
import Storage

@main
enum SearchBenchmarks {
    static func main() throws {
        if try ContainmentBenchmark.runs(CommandLine.arguments.dropFirst()) { return }
        let options = try SearchOptions(CommandLine.arguments.dropFirst())
        var lines: [String] = []
        print(Measurement.header)
        func add(_ measurement: Measurement, _ note: String = "") {
            print(measurement.row + (note.isEmpty ? "" : "  " + note))
            lines.append(measurement.json)
        }
        for count in options.sizes {
            let folder = "\(options.folder)/penumbra-search-\(count)-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            var data = CrossModalData(dimension: options.dimension)
            let (store, build) = try Self.build("\(folder)/index", count, &data)
            add(build)
            let queries = (0..<options.queries).map { _ in data.text() }
            if let export = options.export { try Self.export(store, queries, to: export) }
            for measurement in try Self.bandwidth(bytes: count * pk_row_size4(options.dimension)) { add(measurement) }
            for limit in options.limits {
                for search in SearchCase.all {
                    let (measurement, note) = try Self.measure(search, store, queries, limit, count)
                    add(measurement, note)
                }
                add(try Self.measureBatch(store, queries, limit, count, threads: 2))
            }
        }
        if let output = options.output {
            try (lines.joined(separator: "\n") + "\n").write(toFile: output, atomically: true, encoding: .utf8)
        }
    }

    /// An index of `count` pictures.
    static func build(_ path: String, _ count: Int, _ data: inout CrossModalData) throws -> (IndexStore, Measurement) {
        let state = IndexState(
            root: nil, model: "synthetic", modelFingerprint: "0", encodingID: "synthetic", dimension: data.dimension)
        let store = try IndexStore.create(at: path, state)
        let writer = try IndexWriter(store)
        var seconds = 0.0
        for first in stride(from: 0, to: count, by: 8_192) {
            var batch = Batch()
            for number in first..<min(first + 8_192, count) {
                batch.additions.append(
                    NewItem(name: Array("\(number)".utf8), file: nil, vector: .gaussian(data.picture())))
            }
            let start = ContinuousClock.now
            try writer.commit(batch)
            seconds += Measurement.seconds(ContinuousClock.now - start)
        }
        return (store, Measurement(name: "store/N=\(count)", seconds: [seconds], items: count))
    }

    /// What reading as many bytes as the 4-bit codes takes takes: the roofline.
    static func bandwidth(bytes: Int) throws -> [Measurement] {
        let numbers = [Float](repeating: 1, count: bytes / 4)
        var out = [UInt32](repeating: 0, count: 1)
        return [
            Measurement.run("read/bytes=\(bytes)", items: bytes, runs: 15) {
                _ = Kernels.best.table.pointee.select_not_above(numbers, numbers.count, 0, &out)
            }
        ]
    }

    /// One query at a time, on one thread; each answer against a full scan in Float64.
    static func measure(
        _ search: SearchCase, _ store: IndexStore, _ queries: [Gaussian], _ limit: Int, _ count: Int
    ) throws -> (Measurement, String) {
        let slots = search.hundredth ? SlotSet(stride(from: 0, to: count, by: 100).map(Self.placement)) : nil
        var report = ScanReport()
        var next = 0
        let name = "search/\(search.name)/D=\(queries[0].dimension)/N=\(count)/k=\(limit)"
        let measurement = try Measurement.run(name, items: count, runs: 40) {
            let query = queries[next % queries.count]
            next += 1
            report = try store.read {
                try Searcher(query: query, kernels: search.kernels, accuracy: search.accuracy, usesCodes: search.codes)
                    .nearest(limit, in: .images, $0, among: slots).report
            }
        }
        for query in queries.prefix(search.codes ? 5 : 1) where search.accuracy == 1 {
            try store.read { snapshot in
                let answer = try Searcher(query: query, kernels: search.kernels, usesCodes: search.codes)
                    .nearest(limit, in: .images, snapshot, among: slots).candidates
                let truth = try Self.truth(query, limit, snapshot, slots)
                guard answer.map(\.csd) == truth.map(\.csd), answer.map(\.id) == truth.map(\.id) else {
                    throw WrongAnswer(name: name)
                }
            }
        }
        let rungs = [report.codes4, report.means, report.codes8, report.reranked].map(String.init)
        return (measurement, "4 bits, means, 8 bits, exact: " + rungs.joined(separator: ", "))
    }

    /// 1,000 queries in one call.
    static func measureBatch(
        _ store: IndexStore, _ queries: [Gaussian], _ limit: Int, _ count: Int, threads: Int
    ) throws -> Measurement {
        let size = count > 100_000 ? 200 : 1_000
        let batch = (0..<size).map { queries[$0 % queries.count] }
        let name = "batch/queries=\(size)/threads=\(threads)/D=\(queries[0].dimension)/N=\(count)/k=\(limit)"
        return try Measurement.run(name, items: size, runs: 3) {
            _ = try store.read {
                try Searcher.nearest(queries: batch, limit, in: .images, $0, threads: threads)
            }
        }
    }

    static func placement(_ index: Int) -> Placement {
        Placement(block: index / GaussianCodec.slotsPerBlock, slot: index % GaussianCodec.slotsPerBlock)
    }

    /// The answer by definition.
    static func truth(
        _ query: Gaussian, _ limit: Int, _ snapshot: Snapshot, _ slots: SlotSet?
    ) throws -> [(csd: Double, id: ItemID)] {
        var all: [(csd: Double, id: ItemID)] = []
        let variance = query.totalVariance
        try snapshot.forEachBlock(in: .images) { block in
            for slot in 0..<block.count where block.live[slot] && slots?[block.number][slot] ?? true {
                let distance = pk_squared_distance_f64(
                    query.mean, block.means + slot * query.dimension, query.dimension)
                all.append(
                    (distance + (variance + block.scalars[2 * slot + 1]), ItemID(rawValue: Int64(block.ids[slot]))))
            }
        }
        return Array(all.sorted { ($0.csd, $0.id) < ($1.csd, $1.id) }.prefix(limit))
    }

    /// Means, base terms and queries as raw little-endian Float32 for the peers.
    static func export(_ store: IndexStore, _ queries: [Gaussian], to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try store.read { snapshot in
            let path = "\(folder)/means.f32"
            try Data().write(to: URL(fileURLWithPath: path))
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            var variances: [Float] = []
            try snapshot.forEachBlock(in: .images) { block in
                let dimension = snapshot.state.dimension
                try file.write(contentsOf: Data(bytes: block.means, count: 4 * block.count * dimension))
                for slot in 0..<block.count { variances.append(Float(block.scalars[2 * slot + 1])) }
            }
            try file.close()
            try variances.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: "\(folder)/variances.f32"))
            let means = queries.flatMap(\.mean)
            try means.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: "\(folder)/queries.f32"))
        }
    }
}

/// A way to search.
struct SearchCase {
    var name: String
    var kernels = Kernels.best
    var codes = true
    var accuracy = 1.0
    var hundredth = false

    /// The cases of every size and limit.
    static var all: [SearchCase] {
        [
            SearchCase(name: "exact"), SearchCase(name: "accuracy=0.999", accuracy: 0.999),
            SearchCase(name: "filter=1%", hundredth: true), SearchCase(name: "no-codes", codes: false),
        ] + Kernels.available.filter { $0.name != Kernels.best.name }.map { SearchCase(name: $0.name, kernels: $0) }
    }
}

/// A search that does not give what a full scan gives.
struct WrongAnswer: Error {
    let name: String
}

/// What the command line says.
struct SearchOptions {
    var folder = NSTemporaryDirectory()
    var output: String?
    var export: String?
    var sizes = [10_000, 100_000]
    var limits = [10, 100]
    var queries = 20
    var dimension = 768

    /// Reads `--sizes N,N`, `--limits K,K`, `--queries N`, `--dimension D`, `--folder FOLDER`, `--export FOLDER` and
    /// `--output FILE`.
    init(_ arguments: ArraySlice<String>) throws {
        var arguments = Array(arguments)
        while arguments.count >= 2 {
            let (name, value) = (arguments.removeFirst(), arguments.removeFirst())
            switch name {
            case "--folder": folder = value
            case "--output": output = value
            case "--export": export = value
            case "--sizes": sizes = value.split(separator: ",").compactMap { Int($0) }
            case "--limits": limits = value.split(separator: ",").compactMap { Int($0) }
            case "--queries": queries = Int(value) ?? queries
            case "--dimension": dimension = Int(value) ?? dimension
            default: throw UnknownArgument(argument: name)
            }
        }
        if let rest = arguments.first { throw UnknownArgument(argument: rest) }
    }
}

/// An argument nobody knows.
struct UnknownArgument: Error, CustomStringConvertible {
    let argument: String
    var description: String {
        "what is \(argument)? usage: SearchBenchmarks [--sizes N,N] [--limits K,K] [--queries N] [--dimension D]"
            + " [--folder FOLDER] [--export FOLDER] [--output FILE]"
    }
}
