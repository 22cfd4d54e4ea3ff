// An item to what is more general and more specific than it, to its ladder, and to how it lies to another.
import Gaussians
import Retrieval
import Storage

/// In which order generalisations or specialisations are listed.
public enum GeneralityListing: String, Sendable, CaseIterable {
    /// What the rule puts first: the closest enclosing, or enclosed, one.
    case closest
    /// The vaguest first.
    case general
    /// The least vague first.
    case specific
}

/// What a question about generality looks at.
public struct GeneralityOptions: Sendable {
    /// Where to look.
    public var collections: [Collection]
    /// The most answers, at least 0.
    public var limit: Int
    /// The answers before the page, at least 0.
    public var offset = 0
    /// How answers are listed.
    public var order = GeneralityListing.closest
    /// Which items may answer.
    public var filter: Filter?
    /// Phrases that answer in place of texts.
    public var lexicon: Lexicon?
    /// Whether they answer.
    public var lexiconUse = LexiconUse.auto
    /// Gives each answer its explanation.
    public var explains = false

    /// The closest first.
    public init(_ collections: [Collection], limit: Int = 10) {
        self.collections = collections
        self.limit = limit
    }

    fileprivate func search(_ collection: Collection) -> SearchOptions {
        var options = SearchOptions(collection, limit: limit)
        options.filter = filter
        options.lexicon = lexicon
        options.lexiconUse = lexiconUse
        return options
    }
}

extension Index {
    /// Finds what is more general than X: related to it, including it, the closest first.
    /// - Parameters:
    ///   - query: X, a text or a picture.
    ///   - rule: the rule of this index's model.
    ///   - options: where to look, how many, in which order.
    /// - Returns: one page; a rank tells the place in the order asked for.
    /// - Throws: `QueryError.mixed`; an error for a model of points, or when the index is damaged.
    public func general(_ query: Query, _ rule: ModelRule, _ options: GeneralityOptions) throws -> SearchAnswer {
        try list(query, rule, options) { generality, x, items in
            generality.general(x, among: items, order: .closest)
        }
    }

    /// Finds what X is more general than: the exact mirror of `general`.
    /// - Parameters:
    ///   - query: X, a text or a picture.
    ///   - rule: the rule of this index's model.
    ///   - options: where to look, how many, in which order.
    /// - Returns: one page; a rank tells the place in the order asked for.
    /// - Throws: as `general`.
    public func specific(_ query: Query, _ rule: ModelRule, _ options: GeneralityOptions) throws -> SearchAnswer {
        try list(query, rule, options) { generality, x, items in
            generality.specific(x, among: items, order: .closest)
        }
    }

    /// Climbs from X to a root through texts, the most specific first, without near-repeats.
    ///
    /// Of more than 20,000 texts the closest to X are the possible rungs.
    /// - Parameters:
    ///   - query: X, a text or a picture.
    ///   - rule: the rule of this index's model.
    ///   - options: where to look; the page is the first `limit` rungs.
    ///   - walk: `greedy` or `interpolation`; nil takes the better one for the model.
    ///   - steps: as the walk takes it; nil takes its default.
    /// - Returns: the rungs.
    /// - Throws: as `general`.
    public func ladder(
        _ query: Query, _ rule: ModelRule, _ options: GeneralityOptions, walk: String? = nil, steps: Int? = nil
    ) throws -> SearchAnswer {
        let (x, generality) = try prepare(query, rule)
        return try answer(query, rule, options) { scopes in
            // X itself, under whatever name, is no rung above itself.
            let candidates = try scopes.flatMap { try $0.candidates(near: query.gaussian, limit: 20_000) }
                .filter { $0.gaussian != query.gaussian }
            let walk = walk.flatMap(LadderWalk.init(rawValue:)) ?? rule.calibration.walk
            let rungs = generality.ladder(from: x, among: candidates.map(\.item), walk: walk, steps: steps)
            return rungs.map { candidates[$0].found(query.gaussian.csd(to: candidates[$0].gaussian)) }
        }
    }

    /// Says how two items lie to each other, with every figure that led to it.
    /// - Parameters:
    ///   - a: a text or a picture.
    ///   - b: another.
    ///   - rule: the rule of this index's model.
    /// - Returns: the verdict and its figures.
    /// - Throws: as `general`.
    public func relate(_ a: Query, _ b: Query, _ rule: ModelRule) throws -> RelationAnswer {
        var (first, generality) = try prepare(a, rule)
        let (second, _) = try prepare(b, rule)
        if first.kind == .images, second.kind == .images {
            generality.pictures = try store.read { try Self.pictures($0) }
        }
        let relation = generality.relate(first, second)
        let scale = try model().matchScale
        let squaredNorms = a.gaussian.squaredNorm + b.gaussian.squaredNorm
        let logit = scale.logit(csd: relation.upward.csd, squaredNorms: squaredNorms)
        return RelationAnswer(
            relation, kinds: (a.kind, b.kind),
            matchProbability: a.kind == b.kind ? nil : scale.probability(logit: logit))
    }

    // MARK: Listing

    /// An answer on its way: what was found, and what the rule orders by.
    private struct Listed {
        let candidate: Candidate
        let match: GeneralityMatch
    }

    private func list(
        _ query: Query, _ rule: ModelRule, _ options: GeneralityOptions,
        _ judge: (Generality, PreparedItem, [PreparedItem]) -> [GeneralityMatch]
    ) throws -> SearchAnswer {
        var (x, generality) = try prepare(query, rule)
        return try answer(query, rule, options) { scopes in
            if x.kind == .images, options.collections.contains(.images) {
                generality.pictures = try scopes.first.flatMap { try Self.pictures($0.snapshot) }
            }
            var listed: [Listed] = []
            for scope in scopes {
                try scope.forEachPart { candidates in
                    for match in judge(generality, x, candidates.map(\.item)) {
                        listed.append(Listed(candidate: candidates[match.index], match: match))
                    }
                }
            }
            return Self.sorted(listed, options.order).map {
                $0.candidate.found($0.match.csd, percentile: $0.match.percentile)
            }
        }
    }

    private static func sorted(_ listed: [Listed], _ order: GeneralityListing) -> [Listed] {
        func vagueness(_ entry: Listed) -> Double { entry.candidate.gaussian.totalVariance }
        let numbered = listed.enumerated()
        let sorted =
            switch order {
            case .closest:
                numbered.sorted {
                    ($0.element.match.cost, $0.element.match.csd, $0.offset)
                        < ($1.element.match.cost, $1.element.match.csd, $1.offset)
                }
            case .general:
                numbered.sorted { (-vagueness($0.element), $0.offset) < (-vagueness($1.element), $1.offset) }
            case .specific:
                numbered.sorted { (vagueness($0.element), $0.offset) < (vagueness($1.element), $1.offset) }
            }
        return sorted.map(\.element)
    }

    private func prepare(_ query: Query, _ rule: ModelRule) throws -> (PreparedItem, Generality) {
        let model = try model()
        try model.refusePoints()
        guard query.kind != .mixed else { throw QueryError.mixed }
        let generality = Generality(
            rule: rule.calibration.rule, sample: rule.sample, scale: model.matchScale,
            matchesFrom: model.unconvincingBelow)
        return (try PreparedItem(query.gaussian, query.kind == .text ? .texts : .images), generality)
    }

    /// A fixed sample of the index's pictures: what a stranger is between two pictures; nil where there are none.
    private static func pictures(_ snapshot: Snapshot) throws -> NullSample? {
        let sample = try snapshot.sample(.images, limit: NullSample.defaultLimit) { try PreparedGaussian($0) }
        return sample.isEmpty ? nil : NullSample(sample)
    }

    /// Opens the scopes, finds, pages, judges and names.
    private func answer(
        _ query: Query, _ rule: ModelRule, _ options: GeneralityOptions, _ find: ([SearchScope]) throws -> [Found]
    ) throws -> SearchAnswer {
        let model = try model()
        return try store.read { snapshot in
            let scopes = try options.collections.map {
                try SearchScope(options.search($0), without: query.pictures, snapshot)
            }
            let start = ContinuousClock.now
            let found = try find(scopes)
            let search = ContinuousClock.now - start
            let strangers = rule.sample.distribution(of: try PreparedGaussian(query.gaussian))
            let page = found.enumerated().dropFirst(options.offset).prefix(options.limit)
            let results = try page.map { position, found in
                guard let scope = scopes.first(where: { $0.collection == found.collection }) else {
                    preconditionFailure("what was found came from one of the scopes")
                }
                let judge = MatchJudge(query, found.collection, model, strangers)
                var result = judge.result(found, rank: position + 1)
                try scope.name(&result, explaining: options.explains ? query.gaussian : nil)
                return result
            }
            return SearchAnswer(
                results: results, query: query, collection: options.collections[0], model: model.name,
                encodingID: model.encodingID, usesLexicon: scopes.contains(where: \.isLexicon),
                itemCount: scopes.reduce(0) { $0 + $1.itemCount }, dropped: scopes.flatMap(\.dropped),
                scanned: scopes.reduce(0) { $0 + $1.itemCount }, reranked: found.count, best: nil, isConvincing: nil,
                vagueness: nil, seconds: SearchSeconds(search: search, finish: ContinuousClock.now - start - search),
                isOfBothKinds: options.collections.count > 1)
        }
    }
}

/// How two items lie to each other.
public struct RelationAnswer: Sendable {
    /// One item as a generalisation of the other: each step's figure beside its bound.
    public struct Direction: Sendable {
        /// The share of strangers the outer text is a near neighbour of; nil but between two texts.
        public let neighbourShare: Double?
        /// What that share must be below; nil where the rule does not ask.
        public let neighbourBound: Double?
        /// Inclusion of the inner in the outer item, in nats.
        public let inclusion: Double
        /// What inclusion must exceed; nil where the rule does not ask.
        public let inclusionMargin: Double?
        /// The outer's total variance over the inner's.
        public let varianceRatio: Double
        /// What the ratio must exceed; nil where the rule does not ask.
        public let varianceRatioBound: Double?
        /// The share of strangers closer to the inner item, 0 to 1; nil between a picture and a text.
        public let percentile: Double?
        /// What the percentile must be below, or the match probability reach; nil where the rule does not ask.
        public let relatednessBound: Double?
        /// Whether the outer item is more general than the inner.
        public let holds: Bool

        init(_ judgement: GeneralityJudgement) {
            neighbourShare = judgement.neighbourShare
            neighbourBound = judgement.neighbourBound
            inclusion = judgement.inclusion
            inclusionMargin = judgement.inclusionMargin
            varianceRatio = judgement.varianceRatio
            varianceRatioBound = judgement.varianceRatioBound
            percentile = judgement.relatedness.measure == .percentile ? judgement.relatedness.value : nil
            relatednessBound = judgement.relatedness.bound
            holds = judgement.isMoreGeneral
        }
    }

    /// "unrelated", "A lies inside B", "B lies inside A", or "related, neither contains the other".
    public let verdict: String
    /// What A and B are.
    public let kinds: (QueryKind, QueryKind)
    /// The closed-form sampled distance; lower is closer.
    public let csd: Double
    /// Between a picture and a text: how probable it is that they match; otherwise nil.
    public let matchProbability: Double?
    /// B as the more general.
    public let firstInSecond: Direction
    /// A as the more general.
    public let secondInFirst: Direction

    init(_ relation: Relation, kinds: (QueryKind, QueryKind), matchProbability: Double?) {
        verdict = relation.verdict.rawValue
        self.kinds = kinds
        csd = relation.upward.csd
        self.matchProbability = matchProbability
        firstInSecond = Direction(relation.upward)
        secondInFirst = Direction(relation.downward)
    }
}
