// An answer to stdout, and to stderr what is to be said about it.
import ArgumentParser
import Engine
import Presentation

/// Writes one answer.
struct AnswerReport {
    private let renderer: any ResultRenderer
    /// A query is called vague when it is vaguer than this share of the lexicon.
    private static let vague = 0.95

    init(_ renderer: any ResultRenderer) { self.renderer = renderer }

    /// Writes the answer and its notes; `ifEmpty` says what an empty answer means.
    /// - Throws: exit code 1 when nothing was found.
    func show(_ answer: SearchAnswer, ifEmpty: String? = nil) throws {
        for warning in answer.warnings { Console.error(Escaping.visible(Array(warning.utf8))) }
        if !answer.results.isEmpty || renderer is JSONLinesRenderer { Console.write(renderer.render(answer)) }
        guard !answer.results.isEmpty else {
            let isPastEnd = answer.reranked > 0 && ifEmpty != nil
            Console.error(
                "nothing found: \(isPastEnd || answer.itemCount == 0 ? Self.reason(answer) : ifEmpty ?? Self.reason(answer))"
            )
            throw ExitCode(1)
        }
        if answer.isConvincing == false { Console.error("no confident match, \(Self.best(answer))") }
        if let vagueness = answer.vagueness, answer.query.kind == .text, vagueness >= Self.vague {
            let share = min(Int((vagueness * 100).rounded()), 99)
            Console.error("the query is vague: vaguer than \(share) % of the lexicon")
        }
    }

    private static func best(_ answer: SearchAnswer) -> String {
        if let probability = answer.best?.matchProbability { return "best \(TableRenderer.percent(probability))" }
        return "the best is no closer than strangers are"
    }

    private static func reason(_ answer: SearchAnswer) -> String {
        let noun = answer.collection == .images ? "pictures" : "texts"
        if answer.itemCount == 0 { return "the index holds no \(noun)" }
        if let drop = answer.dropped.first(where: { $0.reason == .minimumProbability }) {
            let best = answer.best?.matchProbability.map { ", the best is \(TableRenderer.percent($0))" } ?? ""
            let subject = drop.count == 1 ? "1 \(noun.dropLast()) is" : "\(drop.count) \(noun) are"
            return "\(subject) less probable than --min-probability asks\(best)"
        }
        guard answer.best == nil else { return "there are no results behind --offset" }
        let isFiltered = answer.dropped.contains { $0.reason == .filter }
        return isFiltered ? "no item meets --where" : "the index holds only the pictures of the query"
    }
}

extension QueryError {
    /// As the command line reports it: wrong usage, or a failure.
    var reported: any Error {
        let text = Escaping.visible(Array(description.utf8))
        return isUsage ? ValidationError(text) : Failure(text)
    }
}
