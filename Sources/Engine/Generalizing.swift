// An item to what is more general and more specific than it, to its ladder, and to how it lies to another.
import Gaussians
import Retrieval
import Storage

extension Index {
    /// Finds what is more general than X: related to it, including it, the closest first.
    /// - Parameters:
    ///   - query: X, a text or a picture.
    ///   - rule: the rule of this index's model.
    ///   - collections: where to look.
    ///   - options: which items, how many, and what is cut; their collection and order do not count. A gap is one of the
    ///     figure that the rule orders by.
    ///   - order: how answers are listed.
    /// - Returns: one page; a rank tells the place in the order asked for.
    /// - Throws: `QueryError`; an error for a model of points, or when the index is damaged.
    public func general(
        _ query: Query, _ rule: ModelRule, in collections: [Collection], _ options: SearchOptions = SearchOptions(),
        order: ListingOrder = .closest
    ) throws -> SearchAnswer {
        try list(query, rule, collections, options, order, .general)
    }

    /// Finds what X is more general than: the exact mirror of `general`.
    /// - Parameters:
    ///   - query: X, a text or a picture.
    ///   - rule: the rule of this index's model.
    ///   - collections: where to look.
    ///   - options: as `general` takes them.
    ///   - order: how answers are listed.
    /// - Returns: one page; a rank tells the place in the order asked for.
    /// - Throws: as `general`.
    public func specific(
        _ query: Query, _ rule: ModelRule, in collections: [Collection], _ options: SearchOptions = SearchOptions(),
        order: ListingOrder = .closest
    ) throws -> SearchAnswer {
        try list(query, rule, collections, options, order, .specific)
    }

    /// Climbs from X to a root through texts (or pictures), the most specific first, without near-repeats.
    ///
    /// Of more than 20,000 texts the closest to X are the possible rungs.
    /// - Parameters:
    ///   - query: X, a text or a picture.
    ///   - rule: the rule of this index's model.
    ///   - options: of which collection, and which items; the page is the first `limit` rungs. Rungs less probable than
    ///     asked for are left out.
    ///   - walk: `greedy` or `interpolation`; nil takes the better one for the model.
    ///   - steps: as the walk takes it; nil takes its default.
    /// - Returns: the rungs.
    /// - Throws: as `general`.
    public func ladder(
        _ query: Query, _ rule: ModelRule, _ options: SearchOptions = SearchOptions(.texts, limit: .max),
        walk: String? = nil,
        steps: Int? = nil
    ) throws -> SearchAnswer {
        var (x, generality) = try prepare(query, rule)
        return try answer(query, rule, [options.collection], options, .closest) { scopes in
            if x.kind == .images, options.collection == .images {
                generality.pictures = try scopes.first.flatMap { try Self.pictures($0.snapshot) }
            }
            // X itself, under whatever name, is no rung above itself.
            let candidates = try scopes.flatMap { try $0.candidates(near: query.gaussian, limit: 20_000) }
                .filter { $0.gaussian != query.gaussian }
            let walk = walk.flatMap(LadderWalk.init(rawValue:)) ?? rule.calibration.walk
            let rungs = generality.ladder(from: x, among: candidates.map(\.item), walk: walk, steps: steps)
            return Generalizations(
                found: rungs.map { candidates[$0].found(query.gaussian.csd(to: candidates[$0].gaussian)) })
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

    /// What a rule found, in its order, and what was cut from that.
    private struct Generalizations {
        var found: [Found]
        var dropped: [SearchDrop] = []
    }

    private func list(
        _ query: Query, _ rule: ModelRule, _ collections: [Collection], _ options: SearchOptions,
        _ order: ListingOrder, _ direction: GeneralityDirection
    ) throws -> SearchAnswer {
        var (x, generality) = try prepare(query, rule)
        return try answer(query, rule, collections, options, order) { scopes in
            if x.kind == .images, collections.contains(.images) {
                generality.pictures = try scopes.first.flatMap { try Self.pictures($0.snapshot) }
            }
            let question = GeneralityQuestion(generality, x, direction)
            let sieve = GeneralitySieve(generality, x, direction)
            let listed = try scopes.flatMap { try $0.answers(question, sieve) }.enumerated().sorted {
                ($0.element.match.cost, $0.element.match.csd, $0.offset)
                    < ($1.element.match.cost, $1.element.match.csd, $1.offset)
            }.map(\.element)
            let end = options.cutsAtGap ? LargestStep.end(listed.map(\.match.cost)) ?? listed.count : listed.count
            return Generalizations(
                found: listed.prefix(end).map(\.found),
                dropped: end < listed.count ? [SearchDrop(reason: .gap, count: listed.count - end)] : [])
        }
    }

    private func prepare(_ query: Query, _ rule: ModelRule) throws -> (PreparedItem, Generality) {
        let model = try model()
        try model.refusePoints()
        guard query.kind != .mixed else { throw QueryError.mixed }
        let generality = Generality(
            rule: rule.calibration.rule, sample: rule.sample, scale: model.matchScale,
            matchesFrom: model.unconvincingBelow, crowding: rule.calibration.crowding)
        return (try PreparedItem(query.gaussian, query.kind == .text ? .texts : .images), generality)
    }

    /// A fixed sample of the index's pictures: what a stranger is between two pictures; nil where there are none.
    private static func pictures(_ snapshot: Snapshot) throws -> NullSample? {
        let sample = try snapshot.sample(.images, limit: NullSample.defaultLimit) { try PreparedGaussian($0) }
        return sample.isEmpty ? nil : NullSample(sample)
    }

    /// Opens the scopes, finds, judges, cuts, lists, pages and names.
    private func answer(
        _ query: Query, _ rule: ModelRule, _ collections: [Collection], _ options: SearchOptions,
        _ order: ListingOrder, _ find: ([SearchScope]) throws -> Generalizations
    ) throws -> SearchAnswer {
        let model = try model()
        if options.minimumProbability != nil, !collections.allSatisfy(query.kind.matches) {
            throw QueryError.noProbability
        }
        return try store.read { snapshot in
            let scopes = try collections.map { collection in
                var options = options
                options.collection = collection
                return try SearchScope(options, without: query.pictures, snapshot)
            }
            let start = ContinuousClock.now
            let answers = try find(scopes)
            let search = ContinuousClock.now - start
            let strangers = rule.sample.distribution(of: try PreparedGaussian(query.gaussian))
            var ranking = Ranking(
                answers.found.enumerated().map { place, found in
                    MatchJudge(query, found.collection, model, strangers).result(found, rank: place + 1)
                }, dropped: answers.dropped)
            ranking.cut(below: options.minimumProbability)
            ranking.list(order)
            let left = ranking.results.count
            try ranking.page(options) { result in
                try scopes.first { $0.collection == result.collection }?
                    .name(&result, explaining: options.explains ? query.gaussian : nil)
            }
            let itemCount = scopes.reduce(0) { $0 + $1.itemCount }
            return SearchAnswer(
                results: ranking.results, query: query, collection: collections[0], model: model.name,
                encodingID: model.encodingID, usesLexicon: scopes.contains(where: \.isLexicon), itemCount: itemCount,
                dropped: scopes.flatMap(\.dropped) + ranking.dropped, scanned: itemCount,
                reranked: answers.found.count, found: left, best: nil, isConvincing: nil, vagueness: nil,
                seconds: SearchSeconds(search: search, finish: ContinuousClock.now - start - search),
                isOfBothKinds: collections.count > 1, rungs: SearchRungs(exact: answers.found.count))
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
        /// How many times as far from the inner text the outer is as the closest phrase of the lexicon that includes both; nil
        /// where there is none, and but between two texts.
        public let siblingRatio: Double?
        /// From which ratio on the two are siblings; nil where the rule does not ask.
        public let siblingBound: Double?
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
            siblingRatio = judgement.siblingRatio
            siblingBound = judgement.siblingBound
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
