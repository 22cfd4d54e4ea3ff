// A picture to the texts that are true of it, from specific to vague.
import Gaussians
import Storage

/// The order of a description.
public enum DescriptionOrder: String, Sendable, CaseIterable {
    /// The least uncertain text first.
    case specific
    /// The most uncertain text first.
    case general
    /// The closest text first.
    case closest
}

extension Index {
    /// How many of the closest texts are put in order.
    private static let describedTexts = 1_000

    /// Finds the texts that match a picture with confidence, and puts them in order.
    ///
    /// Confident is a match that is as probable as the model's calibration asks, or as the options ask; where no text is,
    /// or the model has no calibration, the closest texts are given.
    /// - Parameters:
    ///   - query: a picture.
    ///   - options: which texts, and how many.
    ///   - order: which comes first.
    /// - Returns: one page; ranks tell how close each text is.
    /// - Throws: as `search`.
    public func describe(
        _ query: Query, _ options: SearchOptions, order: DescriptionOrder = .specific
    ) throws -> SearchAnswer {
        var wide = options
        wide.collection = .texts
        wide.offset = 0
        wide.limit = Self.describedTexts
        wide.order = .csd
        wide.isReversed = false
        if wide.minimumProbability == nil { wide.minimumProbability = try model().unconvincingBelow }
        if !query.kind.matches(.texts) { wide.minimumProbability = options.minimumProbability }
        var answer = try search(query, wide)
        if answer.results.isEmpty, options.minimumProbability == nil {
            wide.minimumProbability = nil
            wide.limit = options.limit
            answer = try search(query, wide)
        }
        let sorted =
            switch order {
            case .closest: answer.results
            case .specific:
                answer.results.sorted { ($0.totalVariance, $0.rank) < ($1.totalVariance, $1.rank) }
            case .general:
                answer.results.sorted { ($1.totalVariance, $0.rank) < ($0.totalVariance, $1.rank) }
            }
        return answer.with(Array(sorted.dropFirst(options.offset).prefix(options.limit)))
    }
}

extension SearchAnswer {
    /// The same answer with other results.
    func with(_ results: [SearchResult]) -> SearchAnswer {
        SearchAnswer(
            results: results, query: query, collection: collection, model: model, encodingID: encodingID,
            usesLexicon: usesLexicon, itemCount: itemCount, dropped: dropped, scanned: scanned, reranked: reranked,
            best: best, isConvincing: isConvincing, vagueness: vagueness, seconds: seconds)
    }
}
