// A picture to the texts that are true of it, from specific to vague.
import Gaussians
import Storage

extension Index {
    /// How many of the closest texts are looked at first; more where all of these describe the picture.
    private static let firstTexts = 1_000
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
        guard query.kind == .picture else { throw QueryError.noPicture }
        var wide = options
        wide.collection = .texts
        wide.offset = 0
        wide.limit = Self.firstTexts
        wide.order = .csd
        wide.isReversed = false
        var answer = try search(query, wide)
        var border = 0.0
        if options.minimumProbability == nil, let best = answer.best?.matchProbability {
            let confident = try model().unconvincingBelow.map { best >= $0 ? $0 : 0 } ?? 0
            border = max(confident, best * Self.confidentShare)
        }
        while answer.results.count == wide.limit, (answer.results.last?.matchProbability ?? 0) >= border {
            wide.limit *= 8
            answer = try search(query, wide)
        }
        return answer.listed(order, from: border, options)
    }
}

extension SearchAnswer {
    /// One page of what is probable enough, in an order of vagueness.
    fileprivate func listed(_ order: ListingOrder, from border: Double, _ options: SearchOptions) -> SearchAnswer {
        let kept = results.filter { ($0.matchProbability ?? 0) >= border }
        var answer = self
        if kept.count < results.count {
            answer.dropped.append(SearchDrop(reason: .border, count: results.count - kept.count))
        }
        answer.found = kept.count
        answer.results = Array(order.listed(kept).dropFirst(options.offset).prefix(options.limit))
        return answer
    }
}
