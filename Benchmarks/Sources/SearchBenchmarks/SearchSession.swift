// An index and queries to times and counts, each case's answers compared with the truth.
import Foundation
import Gaussians
import Retrieval
import Storage

/// The searches of one index.
struct SearchSession {
    private typealias Answer = (candidates: [Candidate], report: ScanReport)

    private let index: SyntheticIndex
    private let queries: [Gaussian]
    private let options: SearchOptions
    private let hundredth: SlotSet
    /// Queries whose answers are compared with a full scan.
    private let checked: ArraySlice<Gaussian>
    private let truths: (all: Truth, hundredth: Truth)
    private var count: Int { index.count }

    init(index: SyntheticIndex, queries: [Gaussian], options: SearchOptions) throws {
        self.index = index
        self.queries = queries
        self.options = options
        let hundredth = index.hundredth
        let checked = queries.prefix(20)
        self.hundredth = hundredth
        self.checked = checked
        let limit = options.limits.max() ?? 0
        truths = try index.store.read {
            (
                try Truth(checked, limit: limit, $0, among: nil),
                try Truth(checked, limit: limit, $0, among: hundredth)
            )
        }
    }

    private func nearest(_ query: Gaussian, _ limit: Int, _ search: SearchCase) throws -> Answer {
        try index.store.read {
            try Searcher(query: query, kernels: search.kernels, accuracy: search.accuracy, usesCodes: search.codes)
                .nearest(limit, in: .images, $0, among: search.hundredth ? hundredth : nil)
        }
    }

    /// One query at a time, on one thread, from a Gaussian to ranked ids, the read transaction included.
    func measure(_ search: SearchCase, _ limit: Int) throws -> String {
        var reports: [ScanReport] = []
        var next = 0
        for query in queries.suffix(20) { _ = try nearest(query, limit, search) }
        let name = "search/\(search.name)/N=\(count)/k=\(limit)"
        let measurement = try Measurement.run(name, items: count, runs: options.runs, seconds: 6) {
            reports.append(try nearest(queries[next % queries.count], limit, search).report)
            next += 1
        }
        let recall = try recall(search, limit, name)
        let rungs = rungs(reports)
        print("\(measurement.row)  coarse, means, residual, fine, exact: \(rungs)")
        return line(measurement, search, "single", limit, recall: recall, rungs)
    }

    /// Items that each rung touched, on average.
    private func rungs(_ reports: [ScanReport]) -> [Int] {
        [\.coarse, \.means, \.residual, \.fine, \.reranked].map { (rung: KeyPath<ScanReport, Int>) in
            reports.reduce(0) { $0 + $1[keyPath: rung] } / max(reports.count, 1)
        }
    }

    /// The share of the true items that are found; an exact search that misses one is an error.
    ///
    /// Exact answers are compared with the full scan, to the bit. What is allowed to miss one in a thousand needs more
    /// queries than a full scan has time for: those are compared with exact answers.
    private func recall(_ search: SearchCase, _ limit: Int, _ name: String) throws -> Double {
        let truth = search.hundredth ? truths.hundredth : truths.all
        guard search.accuracy < 1 else {
            for (number, query) in checked.prefix(search.isForAll ? checked.count : 3).enumerated() {
                guard truth.agrees(try nearest(query, limit, search).candidates, number, limit) else {
                    throw WrongAnswer(name: name)
                }
            }
            return 1
        }
        let exact = SearchCase(name: "exact", hundredth: search.hundredth)
        let asked = queries.prefix(count > 100_000 ? 200 : 1_000)
        var (right, all) = (0, 0)
        for query in asked {
            let answer = Set(try nearest(query, limit, exact).candidates.map(\.id))
            right += answer.intersection(try nearest(query, limit, search).candidates.map(\.id)).count
            all += answer.count
        }
        return Double(right) / Double(max(all, 1))
    }

    /// 1,000 queries in one call; checked against the truth, and against single ones.
    func measureBatch(_ search: SearchCase, _ limit: Int, threads: Int) throws -> String {
        let batch = (0..<1_000).map { queries[$0 % queries.count] }
        let slots = search.hundredth ? hundredth : nil
        let name = "batch/\(search.name)/queries=1000/threads=\(threads)/N=\(count)/k=\(limit)"
        var answers: [Answer] = []
        let measurement = try Measurement.run(name, items: batch.count, runs: 7, seconds: 8) {
            answers = try index.store.read {
                try Searcher.nearest(queries: batch, limit, in: .images, $0, among: slots, threads: threads)
            }
        }
        let truth = search.hundredth ? truths.hundredth : truths.all
        for number in checked.indices where !truth.agrees(answers[number].candidates, number, limit) {
            throw WrongAnswer(name: name)
        }
        for number in stride(from: 0, to: 1_000, by: 97)
        where try nearest(batch[number], limit, search).candidates != answers[number].candidates {
            throw WrongAnswer(name: name)
        }
        let rungs = rungs(answers.map(\.report))
        print("\(measurement.row)  coarse, means, residual, fine, exact: \(rungs)")
        return line(measurement, search, "batch", limit, recall: 1, rungs)
    }

    private func line(
        _ measurement: Measurement, _ search: SearchCase, _ mode: String, _ limit: Int, recall: Double, _ rungs: [Int]
    ) -> String {
        measurement.json([
            "engine": "\"\(search.engine)\"", "mode": "\"\(mode)\"", "N": "\(count)", "k": "\(limit)",
            "filter": search.hundredth ? "\"1%\"" : "\"none\"", "core_type": "\"\(search.kernels.name)\"",
            "recall": "\(recall)", "build_s": "\(index.buildMedian)",
            "peak_mb": "\(ProcessMemory.peakMegabytes)", "rungs": "\(rungs)",
        ])
    }
}
