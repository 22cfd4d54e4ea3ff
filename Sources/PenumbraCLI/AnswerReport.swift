// An answer to stdout, and to stderr what is to be said about it.
import ArgumentParser
import Engine
import Foundation
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
            Console.error("nothing found: \(Self.reason(answer, ifEmpty))")
            throw ExitCode(1)
        }
        if answer.isConvincing == false { Console.error("no confident match, \(Self.best(answer))") }
        if let vagueness = answer.vagueness, answer.query.kind == .text, vagueness >= Self.vague {
            let share = min(Int((vagueness * 100).rounded()), 99)
            Console.error("the query is vague: vaguer than \(share) % of the lexicon")
        }
    }

    private static func best(_ answer: SearchAnswer) -> String {
        guard let probability = answer.best?.matchProbability else {
            return "the best does not stand out from the rest"
        }
        // One more digit near the border, where 5 % may be below 5 %.
        let isSmall = (0.01..<0.1).contains(probability)
        return "best \(isSmall ? String(format: "%.1f %%", 100 * probability) : TableRenderer.percent(probability))"
    }

    /// Why nothing was found.
    static func reason(_ answer: SearchAnswer, _ ifEmpty: String?) -> String {
        let noun = answer.collection == .images ? "picture" : "text"
        if answer.itemCount == 0 {
            return answer.usesLexicon ? "the lexicon holds no phrases" : "the index holds no \(noun)s"
        }
        if answer.found > 0 { return "there are no results behind --offset" }
        func dropped(_ reason: SearchDrop.Reason) -> Int {
            answer.dropped.reduce(0) { $0 + ($1.reason == reason ? $1.count : 0) }
        }
        if dropped(.filter) == answer.itemCount { return "no item meets --where" }
        if dropped(.filter) + dropped(.queryPictures) == answer.itemCount {
            return "the index holds only the pictures of the query"
        }
        if dropped(.minimumProbability) > 0 {
            let best = answer.best?.matchProbability.map { ", the best is \(TableRenderer.percent($0))" } ?? ""
            return "no \(noun) is as probable as --min-probability asks\(best)"
        }
        let isOfTexts = answer.collection == .texts && !answer.usesLexicon
        return (ifEmpty ?? "no \(noun) is left")
            + (isOfTexts ? " (--lexicon only asks phrases shipped with the program)" : "")
    }
}

extension QueryError {
    /// As the command line reports it: wrong usage, or a failure.
    var reported: any Error {
        let text = Escaping.visible(Array(description.utf8))
        return isUsage ? ValidationError(text) : Failure(text)
    }
}
