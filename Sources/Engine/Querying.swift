// The second flow: words become a ranked list of pictures. Encode the query, scan, name what was found.
import Encoders
import Gaussians
import Retrieval
import Storage

/// One answer to a query.
public struct SearchResult: Sendable, Equatable {
    /// From 1, closest first.
    public let rank: Int
    /// The item's never-reused number.
    public let item: ItemID
    /// The picture's path below the root, raw bytes.
    public let path: [UInt8]
    /// The closed-form sampled distance to the query; lower is closer.
    public let csd: Double
    /// How probable it is that picture and words belong together, 0 to 1; nil where the model does not define it.
    public let matchProbability: Double?
    /// The picture's uncertainty: larger is vaguer.
    public let totalVariance: Double

    /// The path as text, for people; bytes that are no UTF-8 become U+FFFD.
    public var name: String { String(decoding: path, as: UTF8.self) }
}

/// A query that cannot be answered.
public enum QueryError: Error, CustomStringConvertible, Sendable, Equatable {
    /// Nothing is left of the words once they are cleaned as the model asks: punctuation and spaces alone.
    case empty

    /// The sentence shown to people.
    public var description: String { "the query is empty: the model sees neither punctuation nor spaces" }
}

/// The answers to a query and how they came about.
public struct SearchAnswer: Sendable {
    /// Closest first.
    public let results: [SearchResult]
    /// The query's Gaussian.
    public let query: Gaussian
    /// Live items that were compared.
    public let scanned: Int
    /// Items whose exact distance was computed; the others were excluded by a proven bound.
    public let reranked: Int
    /// Whether the best match probability reaches what the model's calibration calls convincing; nil where the model
    /// does not say, or a match probability is not defined.
    public let isConvincing: Bool?
    /// What the asker should know: a query cut to the model's context, characters the model does not know.
    public let warnings: [String]
}

extension Index {
    /// Finds the pictures closest to some words, by exact CSD over all of them.
    /// - Parameters:
    ///   - words: any text; the model sees at most its context length of it.
    ///   - limit: the most results, at least 0.
    /// - Returns: at most `limit` results, closest first, ties in order of arrival.
    /// - Throws: `QueryError.empty`; an error when the index is damaged or its model is not at hand.
    public func search(_ words: String, limit: Int = 10) throws -> SearchAnswer {
        let encoded = try model().textEncoder().encode([words])[0]
        guard !encoded.isEmpty else { throw QueryError.empty }
        var warnings: [String] = []
        if encoded.isTruncated {
            warnings.append("the query is longer than the model's context; its end was not looked at")
        }
        if !encoded.unknownCharacters.isEmpty {
            warnings.append("the model does not know: \(encoded.unknownCharacters.joined(separator: " "))")
        }
        return try rank(encoded.gaussian, of: .texts, limit: limit, warnings)
    }

    /// Finds the pictures closest to a Gaussian that this index's model made.
    /// - Parameters:
    ///   - query: where to look.
    ///   - kind: what the query was made of; a match probability exists for texts only.
    ///   - limit: the most results, at least 0.
    /// - Returns: at most `limit` results, closest first, ties in order of arrival.
    /// - Throws: an error when the dimensions differ, the index is damaged or its model is not at hand.
    public func search(near query: Gaussian, of kind: Collection, limit: Int = 10) throws -> SearchAnswer {
        try rank(query, of: kind, limit: limit, [])
    }

    private func rank(
        _ query: Gaussian, of kind: Collection, limit: Int, _ warnings: [String]
    ) throws -> SearchAnswer {
        let model = try model()
        let scale = model.matchScale
        return try store.read { snapshot in
            let (candidates, report) = try Searcher(query: query).nearest(limit, in: .images, snapshot)
            let squaredNorm = query.squaredNorm
            var results: [SearchResult] = []
            for candidate in candidates {
                guard let item = try snapshot.item(candidate.id) else { continue }
                let logit = scale.logit(csd: candidate.csd, squaredNorms: squaredNorm + candidate.squaredNorm)
                results.append(
                    SearchResult(
                        rank: results.count + 1, item: candidate.id, path: item.name, csd: candidate.csd,
                        matchProbability: kind == .texts ? scale.probability(logit: logit) : nil,
                        totalVariance: candidate.totalVariance))
            }
            let best = results.compactMap(\.matchProbability).max()
            let isConvincing = best.flatMap { best in model.unconvincingBelow.map { best >= $0 } }
            return SearchAnswer(
                results: results, query: query, scanned: report.scanned, reranked: report.reranked,
                isConvincing: isConvincing, warnings: warnings)
        }
    }
}
