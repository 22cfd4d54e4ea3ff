// What a search is asked for, and what it answers.
import Gaussians
import Storage

/// The order of a list of results.
public enum SearchOrder: String, Sendable, CaseIterable {
    case csd, taken, uncertainty, path
}

/// Where texts are looked for.
public enum LexiconUse: String, Sendable, CaseIterable {
    /// In the index if it holds texts, else in the lexicon.
    case auto
    /// In the lexicon.
    case only
    /// In the index.
    case off
}

/// What a search is asked for.
public struct SearchOptions: Sendable {
    /// What is looked for.
    public var collection: Collection
    /// The most results, at least 0.
    public var limit: Int
    /// The results before the page, at least 0.
    public var offset = 0
    /// The order of all that the filter and the cuts leave; pages are taken from it.
    ///
    /// Ranks tell closeness in any order.
    public var order = SearchOrder.csd
    /// Turns that order around; what has no capture time stays last.
    public var isReversed = false
    /// Which items may answer; applied before anything is ranked.
    public var filter: Filter?
    /// Drops results less probable.
    public var minimumProbability: Double?
    /// Drops what lies behind the largest step in distance among the first hundred.
    public var cutsAtGap = false
    /// The least probability that each of the true closest is found, above 0 and at most 1: 1 is exact by proof, less takes
    /// the errors of short codes as random.
    ///
    /// Distances and order of what is found are exact either way.
    public var accuracy = 1.0
    /// Gives each result its explanation.
    public var explains = false
    /// Phrases that say how vague a query is, and that answer in place of texts.
    public var lexicon: Lexicon?
    /// Whether they answer.
    public var lexiconUse = LexiconUse.auto

    /// Pictures, closest first.
    public init(_ collection: Collection = .images, limit: Int = 10) {
        self.collection = collection
        self.limit = limit
    }

    /// How many of the closest must be known.
    var reach: Int {
        if order != .csd || isReversed { return .max }
        let (end, overflow) = offset.addingReportingOverflow(limit)
        let page = limit == 0 ? 0 : overflow ? .max : end
        return max(page, cutsAtGap ? LargestStep.reach : 1)
    }
}

/// One answer to a query.
public struct SearchResult: Sendable, Equatable {
    /// From 1: of a search, the place by closeness, in whatever order it is listed; of a list with an order of its own
    /// (`describe`, `general`, `specific`, `ladder`), the place in it.
    public internal(set) var rank: Int
    /// The item's never-reused number; nil for a phrase of the lexicon.
    public let item: ItemID?
    /// Picture or text.
    public let collection: Collection
    /// The picture's path below the root, or the text, raw bytes.
    public internal(set) var bytes: [UInt8] = []
    /// The closed-form sampled distance to the query; lower is closer.
    public let csd: Double
    /// How probable it is that picture and words belong together, 0 to 1; nil where that is not defined.
    public let matchProbability: Double?
    /// The share of a fixed sample of the collection that is closer to the query, 0 to 1; nil where there is a probability.
    public let percentile: Double?
    /// The item's uncertainty: larger is vaguer.
    public let totalVariance: Double
    /// When the picture was taken, by the clock of the place; nil where it does not say.
    public internal(set) var taken: String?
    let phrase: Int?
    /// The parts of the figures above, in full if the search was asked to explain.
    public internal(set) var explanation: MatchExplanation?

    init(
        rank: Int, origin: Found.Origin, collection: Collection, csd: Double, matchProbability: Double?,
        percentile: Double?, totalVariance: Double, explanation: MatchExplanation
    ) {
        self.rank = rank
        switch origin {
        case .item(let id): (item, phrase) = (id, nil)
        case .phrase(let index): (item, phrase) = (nil, index)
        }
        self.collection = collection
        self.csd = csd
        self.matchProbability = matchProbability
        self.percentile = percentile
        self.totalVariance = totalVariance
        self.explanation = explanation
    }

    /// The picture's path below the root, raw bytes.
    public var path: [UInt8] { bytes }

    /// The path or text, for people; bytes that are no UTF-8 become U+FFFD.
    public var name: String { String(decoding: bytes, as: UTF8.self) }
}

/// Where a result's figures come from.
public struct MatchExplanation: Sendable, Equatable {
    /// The squared distance of the means; the CSD is its sum with the variance part.
    public let meanPart: Double
    /// The total variances of query and result.
    public let variancePart: Double
    /// The match logit before calibration; nil where there is no match probability.
    public let logit: Double?
    /// Inclusion of the query in the result, in nats: positive when the result is the more general; nil for points.
    public private(set) var inclusionOfQuery: Double?
    /// Inclusion of the result in the query.
    public private(set) var inclusionOfResult: Double?

    init(meanPart: Double, variancePart: Double, logit: Double?) {
        self.meanPart = meanPart
        self.variancePart = variancePart
        self.logit = logit
    }

    mutating func complete(_ query: Gaussian, _ result: Gaussian) {
        inclusionOfQuery = query.inclusion(in: result)
        inclusionOfResult = result.inclusion(in: query)
    }
}

/// Items that are not in an answer, and why.
public struct SearchDrop: Sendable, Equatable {
    /// The reasons.
    public enum Reason: String, Sendable, CaseIterable {
        /// They do not meet the filter.
        case filter = "where"
        /// They are the pictures of the query, or copies of them.
        case queryPictures = "query_pictures"
        /// They lie behind the largest step in distance.
        case gap
        /// They are less probable than was asked for.
        case minimumProbability = "min_probability"
        /// They are less probable than what describes a picture.
        case border
    }
    /// Why.
    public let reason: Reason
    /// How many; of `gap`, `min_probability` and `border`, among those that were ranked.
    public let count: Int
}

/// How long the parts of a search took.
public struct SearchSeconds: Sendable {
    /// Comparing and ranking.
    public let search: Double
    /// Judging, cutting and naming.
    public let finish: Double

    init(search: Duration, finish: Duration) {
        self.search = search.inSeconds
        self.finish = finish.inSeconds
    }
}

extension Duration {
    /// The duration in seconds.
    package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// How many items each rung of a search touched, cheapest first: each leaves to the next what its bounds cannot exclude.
public struct SearchRungs: Sendable, Equatable {
    /// Bounded from coarse codes.
    public var coarse = 0
    /// Bounded from their means, for want of codes.
    public var means = 0
    /// Bounded again from residual codes.
    public var residual = 0
    /// Bounded from fine codes.
    public var fine = 0
    /// Whose exact distance was computed.
    public var exact = 0
}

/// The answers to a query and how they came about.
public struct SearchAnswer: Sendable {
    /// One page, in the order asked for.
    public internal(set) var results: [SearchResult]
    /// The query.
    public let query: Query
    /// What was looked for.
    public let collection: Collection
    /// The model of the index.
    public let model: String
    /// What its Gaussians are comparable with.
    public let encodingID: String
    /// Whether the lexicon answered, and not the texts of the index.
    public let usesLexicon: Bool
    /// Items of the collection, or phrases of the lexicon.
    public let itemCount: Int
    /// Which of them cannot be in the answer, and why.
    public internal(set) var dropped: [SearchDrop]
    /// Live items that were compared.
    public let scanned: Int
    /// Items whose exact distance was computed; the others were excluded by a proven bound.
    public let reranked: Int
    /// What filters and cuts left of those that were ranked; the page was taken of them.
    public internal(set) var found: Int
    /// The closest item, before anything was cut; without a name.
    public let best: SearchResult?
    /// Whether the best match convinces: by the model's calibration, else by the null distribution; nil where nothing
    /// can be said.
    public let isConvincing: Bool?
    /// The share of the lexicon that is less vague than the query, 0 to 1; nil without a lexicon.
    public let vagueness: Double?
    /// How long it took.
    public let seconds: SearchSeconds
    /// Whether pictures and texts were looked for together.
    public var isOfBothKinds = false
    /// How many items each rung of the search touched.
    public var rungs = SearchRungs()

    /// What the asker should know: a query cut to the model's context, characters the model does not know.
    public var warnings: [String] { query.warnings }
}
