// A picture to the texts that are true of it, from specific to vague.
import Gaussians
import Storage

extension Index {
    /// How many of the closest texts are put in order.
    private static let describedTexts = 1_000
    /// A text is given that is so probable, compared with the most probable one.
    ///
    /// Measured on the gallery: of the lexicon's phrases that a caption decides about, 27 % are true of the picture where all
    /// that reach the calibration's border are given, and all where they are half as probable as the best, too.
    private static let confidentShare = 0.5

    /// Finds the texts that match a picture with confidence, and puts them in order.
    ///
    /// Confident is a match that is at least half as probable as the best one, and as probable as the model's calibration
    /// asks if any is; or whatever the options ask.
    /// - Parameters:
    ///   - query: a picture.
    ///   - options: which texts, and how many; their order does not count.
    ///   - order: which comes first.
    /// - Returns: one page; ranks tell the place in that order.
    /// - Throws: as `search`.
    public func describe(
        _ query: Query, _ options: SearchOptions, order: ListingOrder = .specific
    ) throws -> SearchAnswer {
        var wide = options
        wide.collection = .texts
        wide.offset = 0
        wide.limit = Self.describedTexts
        wide.order = .csd
        wide.isReversed = false
        var answer = try search(query, wide)
        if options.minimumProbability == nil, let best = answer.best?.matchProbability {
            let border = try model().unconvincingBelow.map { best >= $0 ? $0 : 0 } ?? 0
            answer = answer.from(max(border, best * Self.confidentShare))
        }
        return answer.with(
            Array(order.listed(answer.results).dropFirst(options.offset).prefix(options.limit)), answer.dropped)
    }
}

extension SearchAnswer {
    /// The same answer without what is less probable.
    fileprivate func from(_ probability: Double) -> SearchAnswer {
        let kept = results.filter { ($0.matchProbability ?? 0) >= probability }
        let drop = SearchDrop(reason: .minimumProbability, count: results.count - kept.count)
        return with(kept, drop.count == 0 ? dropped : dropped + [drop])
    }

    /// The same answer with other results.
    fileprivate func with(_ results: [SearchResult], _ dropped: [SearchDrop]) -> SearchAnswer {
        SearchAnswer(
            results: results, query: query, collection: collection, model: model, encodingID: encodingID,
            usesLexicon: usesLexicon, itemCount: itemCount, dropped: dropped, scanned: scanned, reranked: reranked,
            best: best, isConvincing: isConvincing, vagueness: vagueness, seconds: seconds)
    }
}
