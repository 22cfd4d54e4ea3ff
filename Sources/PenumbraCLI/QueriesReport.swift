// The answers to a file of queries, one after the other, to stdout.
import ArgumentParser
import Engine
import Presentation

/// Answers a file of queries.
struct QueriesReport {
    private let file: String
    private let format: ResultFormat
    private let style: PathStyle
    private let explains: Bool
    /// More warnings than these are counted, and more queries without a confident match.
    private static let shownWarnings = 10

    init(_ file: String, _ format: ResultFormat, _ style: PathStyle, explains: Bool) {
        self.file = file
        self.format = format
        self.style = style
        self.explains = explains
    }

    /// Writes every answer in the order of the queries.
    /// - Throws: exit code 1 when no query found anything.
    func run(_ index: Index, _ options: SearchOptions) throws {
        var found = false
        var warnings = 0
        var unconvincing: [Int] = []
        var last: SearchAnswer?
        if format == .tsv {
            Console.write(TSVRenderer(style, explains: explains, queryIndex: 0).header(options.collection))
        }
        try index.answer(queriesIn: file, options) { query in
            for warning in query.answer?.warnings ?? [] {
                warnings += 1
                if warnings <= Self.shownWarnings { Console.error(Escaping.visible(Array(warning.utf8))) }
            }
            if let answer = query.answer {
                last = answer
                if !answer.results.isEmpty { found = true }
            }
            if query.answer?.isConvincing == false { unconvincing.append(query.index) }
            Console.write(render(query))
        }
        if warnings > Self.shownWarnings { Console.error("and \(warnings - Self.shownWarnings) more such warnings") }
        if !unconvincing.isEmpty {
            let more = unconvincing.count > Self.shownWarnings ? ", ..." : ""
            let queries = unconvincing.prefix(Self.shownWarnings).map(String.init).joined(separator: ", ") + more
            Console.error("no confident match for \(unconvincing.count == 1 ? "query" : "queries") \(queries)")
        }
        if !found {
            Console.error("nothing found" + (last.map { ": \(AnswerReport.reason($0, nil))" } ?? ": no query is left"))
            throw ExitCode(1)
        }
    }

    private func render(_ query: QueryAnswer) -> [UInt8] {
        switch format {
        case .jsonl: return JSONLinesRenderer(explains: explains).line(query)
        case .tsv:
            let renderer = TSVRenderer(style, explains: explains, queryIndex: query.index)
            return (query.answer?.results ?? []).reduce(into: []) { $0 += renderer.line($1) }
        case .table, .paths:
            guard let answer = query.answer else { return [] }
            let name = query.name.map { Escaping.visible(Array($0.utf8)) } ?? "row \(query.index)"
            let table = TableRenderer(style, width: Console.width, explains: explains)
            return Array("\(query.index): \(name)\n".utf8) + table.render(answer) + [0x0A]
        }
    }
}
