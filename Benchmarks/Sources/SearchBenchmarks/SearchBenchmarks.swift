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
        for count in options.sizes {
            let folder = "\(options.folder)/penumbra-search-\(count)-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            var data = CrossModalData(dimension: options.dimension)
            let (store, built) = try Self.build("\(folder)/index", count, &data)
            print(built.json)
            lines.append(built.json)
            let queries = (0..<options.queries).map { _ in data.text() }
            if let export = options.export { try Self.export(store, queries, to: export) }
            let locks = options.locks.map { open($0, O_RDONLY | O_CREAT, 0o600) }
            for lock in locks { flock(lock, LOCK_EX) }
            defer { for lock in locks { close(lock) } }
            let bytes = count * built.coarseBytes
            for read in try Self.bandwidth(bytes: bytes) {
                print(read.row)
                lines.append(read.json(["N": "\(count)", "bytes": "\(bytes)"]))
            }
            let session = SearchSession(store: store, queries: queries, count: count, built: built, options: options)
            for limit in options.limits {
                for search in SearchCase.all where options.wants(search.name) && (limit == 10 || search.isForAllLimits)
                {
                    lines.append(try session.measure(search, limit))
                }
                if options.wants("batch") { lines.append(try session.measureBatch(limit, threads: 2)) }
            }
        }
        if let output = options.output {
            try (lines.joined(separator: "\n") + "\n").write(toFile: output, atomically: true, encoding: .utf8)
        }
    }

    /// An index of `count` pictures, optimised.
    static func build(_ path: String, _ count: Int, _ data: inout CrossModalData) throws -> (IndexStore, Built) {
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
        let start = ContinuousClock.now
        _ = try writer.optimize()
        let parameters = try store.read { try $0.codeParameters(of: .images) }
        return (
            store,
            Built(
                count: count, storeSeconds: seconds, optimizeSeconds: Measurement.seconds(ContinuousClock.now - start),
                bytesPerItem: Double(store.size) / Double(count),
                coarseBytes: parameters?.rowSize(.coarseCodes) ?? 0, fineBytes: parameters?.rowSize(.fineCodes) ?? 0)
        )
    }

    /// What reading so many bytes takes: the roofline.
    static func bandwidth(bytes: Int) throws -> [Measurement] {
        let numbers = [Float](repeating: 1, count: bytes / 4)
        var out = [UInt32](repeating: 0, count: 1)
        return [
            Measurement.run("read/bytes=\(bytes)", items: bytes, runs: 40) {
                _ = Kernels.best.table.pointee.select_not_above(numbers, numbers.count, 0, &out)
            }
        ]
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

/// What storing took.
struct Built {
    let count: Int
    let storeSeconds: Double
    let optimizeSeconds: Double
    let bytesPerItem: Double
    let coarseBytes: Int
    let fineBytes: Int

    var json: String {
        "{\"case\":\"store/N=\(count)\",\"N\":\(count),\"store_s\":\(storeSeconds),\"optimize_s\":\(optimizeSeconds),"
            + "\"bytes_per_item\":\(bytesPerItem),\"coarse_bytes\":\(coarseBytes),\"fine_bytes\":\(fineBytes)}"
    }
}

/// The searches of one index.
struct SearchSession {
    let store: IndexStore
    let queries: [Gaussian]
    let count: Int
    let built: Built
    let options: SearchOptions
    /// Queries whose answers are compared with a full scan.
    private var checked: ArraySlice<Gaussian> { queries.prefix(count > 100_000 ? 5 : 20) }

    init(store: IndexStore, queries: [Gaussian], count: Int, built: Built, options: SearchOptions) {
        self.store = store
        self.queries = queries
        self.count = count
        self.built = built
        self.options = options
    }

    /// One query at a time, on one thread, from a Gaussian to ranked ids, the read transaction included.
    func measure(_ search: SearchCase, _ limit: Int) throws -> String {
        let slots =
            search.hundredth ? SlotSet(stride(from: 0, to: count, by: 100).map(SearchBenchmarks.placement)) : nil
        func nearest(_ query: Gaussian) throws -> (candidates: [Candidate], report: ScanReport) {
            try store.read {
                try Searcher(query: query, kernels: search.kernels, accuracy: search.accuracy, usesCodes: search.codes)
                    .nearest(limit, in: .images, $0, among: slots)
            }
        }
        var reports: [ScanReport] = []
        var next = 0
        for query in queries.suffix(20) { _ = try nearest(query) }
        let name = "search/\(search.name)/N=\(count)/k=\(limit)"
        let measurement = try Measurement.run(name, items: count, runs: options.runs) {
            reports.append(try nearest(queries[next % queries.count]).report)
            next += 1
        }
        var right = 0
        for query in checked {
            let answer = try nearest(query).candidates
            let truth = try store.read { try SearchBenchmarks.truth(query, limit, $0, slots) }
            right += Set(truth.map(\.id)).intersection(answer.map(\.id)).count
            let isExact = answer.map(\.csd) == truth.map(\.csd) && answer.map(\.id) == truth.map(\.id)
            guard isExact || search.accuracy < 1 else { throw WrongAnswer(name: name) }
        }
        func mean(_ rung: (ScanReport) -> Int) -> Int { reports.map(rung).reduce(0, +) / max(reports.count, 1) }
        let rungs = [mean(\.coarse), mean(\.means), mean(\.residual), mean(\.fine), mean(\.reranked)]
        print("\(measurement.row)  coarse, means, residual, fine, exact: \(rungs)")
        return line(
            measurement, search.engine, "single", limit, search.hundredth ? "1%" : "none",
            recall: Double(right) / Double(limit * checked.count), search.kernels.name, rungs)
    }

    /// 1,000 queries in one call; some answers against single ones.
    func measureBatch(_ limit: Int, threads: Int) throws -> String {
        let batch = (0..<1_000).map { queries[$0 % queries.count] }
        func nearest() throws -> [(candidates: [Candidate], report: ScanReport)] {
            try store.read { try Searcher.nearest(queries: batch, limit, in: .images, $0, threads: threads) }
        }
        let name = "batch/queries=1000/threads=\(threads)/N=\(count)/k=\(limit)"
        var answers: [(candidates: [Candidate], report: ScanReport)] = []
        let measurement = try Measurement.run(name, items: batch.count, runs: 5) { answers = try nearest() }
        for number in stride(from: 0, to: 1_000, by: 97) {
            let single = try store.read {
                try Searcher(query: batch[number]).nearest(limit, in: .images, $0).candidates
            }
            guard single == answers[number].candidates else { throw WrongAnswer(name: name) }
        }
        print(measurement.row)
        return line(measurement, "penumbra", "batch", limit, "none", recall: 1, Kernels.best.name, [])
    }

    private func line(
        _ measurement: Measurement, _ engine: String, _ mode: String, _ limit: Int, _ filter: String, recall: Double,
        _ kernels: String, _ rungs: [Int]
    ) -> String {
        measurement.json([
            "engine": "\"\(engine)\"", "mode": "\"\(mode)\"", "N": "\(count)", "k": "\(limit)",
            "filter": "\"\(filter)\"", "core_type": "\"\(kernels)\"", "recall": "\(recall)",
            "build_s": "\(built.storeSeconds)", "peak_mb": "\(Self.peakMegabytes)", "rungs": "\(rungs)",
        ])
    }

    /// The most memory this process has held, pages of the map included.
    private static var peakMegabytes: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) / 1_024
    }
}

extension Measurement {
    /// All the times, and more fields whose values are JSON.
    fileprivate func json(_ fields: [String: String]) -> String {
        let more = fields.sorted { $0.key < $1.key }.map { ",\"\($0.key)\":\($0.value)" }.joined()
        return json.dropLast() + more + "}"
    }
}

/// A way to search.
struct SearchCase {
    var name: String
    var engine = "penumbra"
    var kernels = Kernels.best
    var codes = true
    var accuracy = 1.0
    var hundredth = false
    var isForAllLimits = true

    /// The cases of every size and limit.
    static var all: [SearchCase] {
        [
            SearchCase(name: "exact"),
            SearchCase(name: "accuracy=0.999", engine: "penumbra --accuracy 0.999", accuracy: 0.999),
            SearchCase(name: "filter=1%", hundredth: true),
            SearchCase(name: "no-codes", engine: "penumbra without codes", codes: false, isForAllLimits: false),
        ]
            + Kernels.available.filter { $0.name != Kernels.best.name }.map {
                SearchCase(name: $0.name, engine: "penumbra \($0.name)", kernels: $0, isForAllLimits: false)
            }
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
    var queries = 1_000
    var dimension = 768
    var runs = 200
    var cases: [String] = []
    /// Files that are locked before anything but storing is timed: others who lock them do not disturb.
    var locks: [String] = []

    /// Whether a case was asked for.
    func wants(_ name: String) -> Bool { cases.isEmpty || cases.contains(name) }

    /// Reads `--sizes N,N`, `--limits K,K`, `--queries N`, `--dimension D`, `--runs N`, `--cases NAME,NAME`,
    /// `--locks FILE,FILE`,
    /// `--folder FOLDER`, `--export FOLDER` and `--output FILE`.
    init(_ arguments: ArraySlice<String>) throws {
        var arguments = Array(arguments)
        while arguments.count >= 2 {
            let (name, value) = (arguments.removeFirst(), arguments.removeFirst())
            switch name {
            case "--folder": folder = value
            case "--output": output = value
            case "--export": export = value
            case "--locks": locks = value.split(separator: ",").map(String.init)
            case "--runs": runs = Int(value) ?? runs
            case "--cases": cases = value.split(separator: ",").map(String.init)
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
