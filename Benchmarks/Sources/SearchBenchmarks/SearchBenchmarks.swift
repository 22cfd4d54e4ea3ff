// Search at sizes no gallery has: seeded Gaussians are stored, searched, and every answer is checked against Float64.
import CKernels
import Foundation
import Gaussians
import Retrieval
import Storage

@main
enum SearchBenchmarks {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        if try ContainmentBenchmark.runs(arguments) || ByteScan.runs(arguments) || LockedFile.runs(arguments) { return }
        let options = try SearchOptions(arguments)
        print(Measurement.header)
        var lines: [String] = []
        for count in options.sizes { lines += try measure(count, options) }
        if let output = options.output {
            try (lines.joined(separator: "\n") + "\n").write(toFile: output, atomically: true, encoding: .utf8)
        }
    }

    /// All cases of one size, as JSON lines.
    private static func measure(_ count: Int, _ options: SearchOptions) throws -> [String] {
        let folder = "\(options.folder)/penumbra-search-\(count)-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var data = CrossModalData(dimension: options.dimension)
        let index = try SyntheticIndex(at: "\(folder)/index", count: count, &data)
        print(index.json)
        var lines = [index.json]
        let queries = (0..<options.queries).map { _ in data.text() }
        if let export = options.export { try index.export(queries, to: export) }
        let locks = options.locks.map { open($0, O_RDONLY | O_CREAT, 0o600) }
        for lock in locks { flock(lock, LOCK_EX) }
        defer { for lock in locks { close(lock) } }
        let vectors = try LockedFile("\(folder)/index/vectors-1/data.mdb")
        lines += try Roofline.measure(index)
        let session = try SearchSession(index: index, queries: queries, options: options)
        for limit in options.limits {
            for search in SearchCase.all where options.wants(search, limit, count) {
                lines.append(try session.measure(search, limit))
            }
            for search in SearchCase.all where search.isForBatches && options.wants("batch") {
                lines.append(try session.measureBatch(search, limit, threads: 2))
            }
        }
        vectors.unlock()
        let optimization = try index.optimize()
        print(optimization)
        return lines + [optimization]
    }
}

/// A search that does not give what a full scan gives.
struct WrongAnswer: Error {
    let name: String
}

extension Measurement {
    /// All the times, and more fields whose values are JSON.
    func json(_ fields: [String: String]) -> String {
        let more = fields.sorted { $0.key < $1.key }.map { ",\"\($0.key)\":\($0.value)" }.joined()
        return json.dropLast() + more + "}"
    }
}

/// What the kernel keeps of this process.
enum ProcessMemory {
    /// The most memory this process has held, pages of the map included.
    static var peakMegabytes: Int { field("VmHWM:") / 1_024 }

    private static func field(_ name: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }
}
