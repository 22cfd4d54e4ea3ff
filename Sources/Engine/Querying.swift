// The second flow: a query becomes a ranked list. Filter, scan, cut, page, name what was found; read top to bottom.
import Encoders
import Gaussians
import Retrieval
import Storage

extension Index {
    /// Finds the pictures closest to some words, by exact CSD over all of them.
    /// - Parameters:
    ///   - words: any text; the model sees at most its context length of it.
    ///   - limit: the most results, at least 0.
    /// - Returns: at most `limit` results, closest first, ties in order of arrival.
    /// - Throws: `QueryError.empty`; an error when the index is damaged or its model is not at hand.
    public func search(_ words: String, limit: Int = 10) throws -> SearchAnswer {
        try search(query([QueryTerm(.text(words))]), SearchOptions(limit: limit))
    }

    /// Finds the pictures closest to a Gaussian that this index's model made.
    /// - Parameters:
    ///   - query: where to look.
    ///   - kind: what the query was made of; a match probability exists for texts only.
    ///   - limit: the most results, at least 0.
    /// - Returns: at most `limit` results, closest first, ties in order of arrival.
    /// - Throws: an error when the dimensions differ, the index is damaged or its model is not at hand.
    public func search(near query: Gaussian, of kind: Collection, limit: Int = 10) throws -> SearchAnswer {
        try search(Query(query, kind: kind == .texts ? .text : .picture), SearchOptions(limit: limit))
    }

    /// Finds the items closest to a query, by exact CSD over all that the options let answer.
    /// - Parameters:
    ///   - query: where to look, and what is left out of the answer.
    ///   - options: which items, how many, and what is cut.
    /// - Returns: one page of results.
    /// - Throws: `QueryError`; an error when the dimensions differ, the index is damaged or its model is not at hand.
    public func search(_ query: Query, _ options: SearchOptions = SearchOptions()) throws -> SearchAnswer {
        try options.refuseProbability(unless: [query.kind])
        return try answers(to: [query], options)[0]
    }

    /// As `search`, for many queries of one generation: the same answers as one by one.
    /// - Returns: one answer per query, in order.
    /// - Throws: as `search`.
    package func answers(to queries: [Query], _ options: SearchOptions) throws -> [SearchAnswer] {
        let model = try model()
        return try store.read { snapshot in
            let scope = try SearchScope(options, without: queries.flatMap(\.pictures), snapshot)
            let start = ContinuousClock.now
            let findings = try scope.nearest(queries.map(\.gaussian), options.reach, accuracy: options.accuracy)
            let search = (ContinuousClock.now - start) / max(queries.count, 1)
            let places = try scope.places(options)
            return try zip(queries, findings).map { query, findings in
                try answer(query, findings, scope, model, options, places, search: search)
            }
        }
    }

    /// Judges, cuts, sorts, pages and names what was found.
    private func answer(
        _ query: Query, _ findings: Findings, _ scope: SearchScope, _ model: Model, _ options: SearchOptions,
        _ places: [ItemID: Int], search: Duration
    ) throws -> SearchAnswer {
        let start = ContinuousClock.now
        let judge = MatchJudge(query, options.collection, model, try scope.strangers(for: query, model))
        var ranking = Ranking(findings.found.enumerated().map { judge.result($1, rank: $0 + 1) })
        let best = ranking.results.first
        ranking.cut(options)
        ranking.sort(options, places, phrases: scope.lexicon?.texts ?? [])
        let found = ranking.results.count
        try ranking.page(options) { try scope.name(&$0, explaining: options.explains ? query.gaussian : nil) }
        return SearchAnswer(
            results: ranking.results, query: query, collection: options.collection, model: model.name,
            encodingID: model.encodingID, usesLexicon: scope.isLexicon, itemCount: scope.itemCount,
            dropped: scope.dropped + ranking.dropped, scanned: findings.scanned, reranked: findings.rungs.exact,
            found: found, best: best,
            isConvincing: judge.isConvincing(best),
            vagueness: query.kind == .text && query.gaussian.totalVariance > 0
                ? options.lexicon?.vagueness(of: query.gaussian.totalVariance) : nil,
            seconds: SearchSeconds(search: search, finish: ContinuousClock.now - start), rungs: findings.rungs)
    }
}
