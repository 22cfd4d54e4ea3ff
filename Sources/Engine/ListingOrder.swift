// Results to the order in which they are listed: by closeness or by vagueness.

/// In which order descriptions, generalisations and specialisations are listed.
public enum ListingOrder: String, Sendable, CaseIterable {
    /// What ranks first: the closest, or what the rule of generality puts first.
    case closest
    /// The vaguest first.
    case general
    /// The least vague first.
    case specific

    /// Puts ranked results into this order, ties as they were, and gives each the rank of its place in it.
    package func listed(_ results: [SearchResult]) -> [SearchResult] {
        let ordered =
            switch self {
            case .closest: results
            case .general: results.sorted { ($1.totalVariance, $0.rank) < ($0.totalVariance, $1.rank) }
            case .specific: results.sorted { ($0.totalVariance, $0.rank) < ($1.totalVariance, $1.rank) }
            }
        return ordered.enumerated().map { place, result in
            var result = result
            result.rank = place + 1
            return result
        }
    }
}
