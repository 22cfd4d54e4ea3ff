// What was found, closest first, to a page of it: cut, sorted, paged, named.
import Storage

/// Where a ranking falls off.
enum LargestStep {
    /// How far it is looked for.
    static let reach = 100

    /// Finds the largest step among the first hundred.
    /// - Parameter costs: what the ranking orders by, ascending.
    /// - Returns: how many entries lie before it; nil without two entries.
    static func end(_ costs: [Double]) -> Int? {
        let costs = costs.prefix(reach)
        return zip(costs, costs.dropFirst()).enumerated().max { a, b in
            (a.element.1 - a.element.0, -a.offset) < (b.element.1 - b.element.0, -b.offset)
        }.map { $0.offset + 1 }
    }
}

/// A list of results on its way to a page.
struct Ranking {
    private(set) var results: [SearchResult]
    private(set) var dropped: [SearchDrop]

    init(_ results: [SearchResult], dropped: [SearchDrop] = []) {
        self.results = results
        self.dropped = dropped
    }

    /// Cuts at the largest gap, and at a probability.
    mutating func cut(_ options: SearchOptions) {
        if options.cutsAtGap, let end = LargestStep.end(results.map(\.csd)) {
            drop(.gap, results.count - end)
            results.removeLast(results.count - end)
        }
        cut(below: options.minimumProbability)
    }

    /// Cuts at a probability.
    mutating func cut(below minimum: Double?) {
        guard let minimum else { return }
        let kept = results.filter { ($0.matchProbability ?? 0) >= minimum }
        drop(.minimumProbability, results.count - kept.count)
        results = kept
    }

    /// Puts all that is left into an order of vagueness, and numbers the places.
    mutating func list(_ order: ListingOrder) { results = order.listed(results) }

    private mutating func drop(_ reason: SearchDrop.Reason, _ count: Int) {
        if count > 0 { dropped.append(SearchDrop(reason: reason, count: count)) }
    }

    /// Puts all that is left into the order asked for, so that pages of it tile it; ties stand by closeness.
    /// - Parameters:
    ///   - options: the order.
    ///   - places: for an order that the catalogue knows, each item's place in it.
    ///   - phrases: of the lexicon, where that answers.
    mutating func sort(_ options: SearchOptions, _ places: [ItemID: Int], phrases: [String]) {
        func place(_ result: SearchResult) -> Int { result.item.flatMap { places[$0] } ?? 0 }
        func phrase(_ result: SearchResult) -> String { result.phrase.map { phrases[$0] } ?? "" }
        switch options.order {
        case .csd: break
        case .uncertainty: results.sort { ($0.totalVariance, $0.rank) < ($1.totalVariance, $1.rank) }
        case .path where !phrases.isEmpty:
            results.sort { phrase($0).utf8.lexicographicallyPrecedes(phrase($1).utf8) }
        case .taken, .path:
            // The catalogue was asked in the direction wanted: what has no capture time is last in both.
            results.sort { (place($0), $0.rank) < (place($1), $1.rank) }
            if phrases.isEmpty { return }
        }
        if options.isReversed { results.reverse() }
    }

    /// Takes a page out and names its results.
    mutating func page(_ options: SearchOptions, name: (inout SearchResult) throws -> Void) rethrows {
        results = Array(results.dropFirst(options.offset).prefix(options.limit))
        for index in results.indices { try name(&results[index]) }
    }
}
