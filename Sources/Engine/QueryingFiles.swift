// A file of queries to their answers, in order, a few hundred at a time.
import Corpus
import Encoders
import Gaussians
import Retrieval
import Storage

/// One query of a file, and its answer.
public struct QueryAnswer: Sendable {
    /// From 0, in the order of the file.
    public let index: Int
    /// Its words, or the row's name; nil where a file of vectors does not say.
    public let name: String?
    /// Its answer; nil for a blank line.
    public let answer: SearchAnswer?
}

extension Index {
    /// Queries that are encoded and answered together.
    private static let batchSize = 256

    /// Answers every line of a text file, or every row of a safetensors file.
    /// - Parameters:
    ///   - path: `.safetensors`, or lines of text; a blank line has no answer.
    ///   - options: as for one query.
    ///   - jobs: workers that encode.
    ///   - body: called once per query, in order.
    /// - Throws: an error when the file cannot be read; what `search` and `body` throw.
    public func answer(
        queriesIn path: String, _ options: SearchOptions, jobs: Int = Index.processorCount,
        _ body: (QueryAnswer) throws -> Void
    ) throws {
        if path.lowercased().hasSuffix(".safetensors") { return try answer(rowsOf: path, options, body) }
        try options.refuseProbability(unless: [.text])
        var lines: [String] = []
        var done = 0
        func flush() throws {
            try answer(lines, from: done, options, jobs, body)
            done += lines.count
            lines = []
        }
        try CaptionFile(path: path, format: .lines).forEachRow { row in
            lines.append(row.texts.first ?? "")
            if lines.count == Self.batchSize { try flush() }
            return true
        }
        try flush()
    }

    private func answer(
        _ lines: [String], from first: Int, _ options: SearchOptions, _ jobs: Int,
        _ body: (QueryAnswer) throws -> Void
    ) throws {
        guard !lines.isEmpty else { return }
        let asked = lines.indices.filter { !lines[$0].isEmpty }
        let encoded = try model().textEncoder().encode(asked.map { lines[$0] }, jobs: jobs)
        var queries: [Int: Query] = [:]
        for (index, text) in zip(asked, encoded) where !text.isEmpty {
            queries[index] = Query(
                text.gaussian, kind: .text, warnings: text.warnings(of: "query \(first + index)"), pictures: [])
        }
        let order = queries.keys.sorted()
        let answers = try answers(to: order.compactMap { queries[$0] }, options)
        let found = Dictionary(uniqueKeysWithValues: zip(order, answers))
        for (index, line) in lines.enumerated() {
            try body(QueryAnswer(index: first + index, name: line, answer: found[index]))
        }
    }

    private func answer(
        rowsOf path: String, _ options: SearchOptions, _ body: (QueryAnswer) throws -> Void
    ) throws {
        let rows = try VectorRows(path: path, for: self)
        // Of rows of both kinds, those without a match probability find nothing that is as probable as asked.
        try options.refuseProbability(unless: (0..<rows.count).lazy.map { rows.kind($0) == .images ? .picture : .text })
        for start in stride(from: 0, to: rows.count, by: Self.batchSize) {
            let range = start..<min(start + Self.batchSize, rows.count)
            let queries = try range.map {
                Query(try rows.gaussian($0), kind: rows.kind($0) == .images ? .picture : .text)
            }
            for (row, answer) in zip(range, try answers(to: queries, options)) {
                try body(QueryAnswer(index: row, name: rows.name(row), answer: answer))
            }
        }
    }
}

extension SearchOptions {
    /// Refuses a border of probability where none of the queries has one.
    /// - Throws: `QueryError.noProbability`.
    func refuseProbability(unless kinds: some Sequence<QueryKind>) throws(QueryError) {
        guard minimumProbability != nil else { return }
        if !kinds.contains(where: { $0.matches(collection) }) { throw .noProbability }
    }
}

extension TextEncoder {
    /// Encodes texts on several threads, in order.
    fileprivate func encode(_ texts: [String], jobs: Int) throws -> [EncodedText] {
        let size = 2 * Self.batchSize
        return try SharedWork.map((texts.count + size - 1) / size, threads: jobs) { part in
            try encode(Array(texts[(part * size)..<min((part + 1) * size, texts.count)]))
        }.flatMap { $0 }
    }
}
