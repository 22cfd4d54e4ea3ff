// Two items to which is the more general, and a collection to the generalisations or specialisations of one item.
import Gaussians
import Storage

/// An item as the rule of generality sees it: its Gaussian, and whether it is a picture or a text.
package struct PreparedItem: Sendable {
    /// Picture or text.
    package let kind: Collection
    /// The Gaussian.
    package let gaussian: PreparedGaussian

    /// Prepares an item.
    /// - Throws: `PointError` for a point.
    package init(_ gaussian: Gaussian, _ kind: Collection) throws(PointError) {
        self.kind = kind
        self.gaussian = try PreparedGaussian(gaussian)
    }
}

/// One answer to "what is more general (or more specific) than X?".
package struct GeneralityMatch: Sendable, Equatable {
    /// Its place in the collection that was asked.
    package let index: Int
    /// The closed-form sampled distance to X.
    package let csd: Double
    /// What the rule orders by; lower comes first.
    package let cost: Double
    /// The share of the strangers of the more specific of the two that is closer to it: the figure the rule asked.
    ///
    /// Nil between a picture and a text.
    package let percentile: Double?

    /// Names an answer.
    package init(index: Int, csd: Double, cost: Double, percentile: Double? = nil) {
        self.index = index
        self.csd = csd
        self.cost = cost
        self.percentile = percentile
    }
}

/// The rule of generality of one model: decides between items, and lists.
package struct Generality: Sendable {
    /// The rule.
    package let rule: GeneralityRule
    /// What strangers look like: texts of the lexicon or the collection.
    package let sample: NullSample
    /// What strangers look like between two pictures; without any, two pictures are not judged related.
    package var pictures: NullSample?
    /// From CSD to match probability, between a picture and a text.
    package let scale: MatchScale
    /// From which match probability a picture and a text are related; nil judges by the null distribution.
    package let matchesFrom: Double?
    /// How crowded the sample is; nil where the rule does not ask.
    let crowding: Crowding?

    /// Collects what decides.
    /// - Parameters:
    ///   - rule: the steps and their bounds.
    ///   - sample: texts, fixed for the model.
    ///   - scale: the model's.
    ///   - matchesFrom: `unconvincing_below` of the model's calibration, where it has one.
    ///   - pictures: pictures of the collection, for two pictures.
    ///   - crowding: of the sample, where it was measured before.
    package init(
        rule: GeneralityRule, sample: NullSample, scale: MatchScale, matchesFrom: Double?, pictures: NullSample? = nil,
        crowding: Crowding? = nil
    ) {
        self.rule = rule
        self.sample = sample
        self.pictures = pictures
        self.crowding = rule.neighboursBelow == nil ? nil : crowding ?? Crowding(sample)
        self.scale = scale
        self.matchesFrom = matchesFrom
    }

    /// Everything that is more general than X.
    ///
    /// Each item is judged by itself: a large collection can be asked block by block and the answers merged by cost.
    /// - Parameters:
    ///   - x: the item asked about.
    ///   - items: where to look.
    ///   - excluded: an index to leave out: X itself.
    /// - Returns: the lowest cost first; ties by distance, then by index.
    /// - Complexity: O(items * D).
    package func general(
        _ x: PreparedItem, among items: [PreparedItem], excluding excluded: Int? = nil
    ) -> [GeneralityMatch] {
        let surroundings = surroundings(of: x)
        return sorted(items) { index, item in
            index == excluded ? nil : judgeQuickly(item, over: x, surroundings)
        }
    }

    /// Everything that X is more general than: the exact mirror of `general`, each item judged by its own null distribution.
    /// - Parameters:
    ///   - x: the item asked about.
    ///   - items: where to look.
    ///   - excluded: an index to leave out: X itself.
    /// - Returns: the lowest cost first; ties by distance, then by index.
    /// - Complexity: O(items * D), and O(sample * D) for each item that passes the cheaper steps.
    package func specific(
        _ x: PreparedItem, among items: [PreparedItem], excluding excluded: Int? = nil
    ) -> [GeneralityMatch] {
        let isHub = isTooNear(x)
        return sorted(items) { index, item in
            index == excluded ? nil : judgeQuickly(x, over: item, nil, isHub: isHub)
        }
    }

    private func sorted(
        _ items: [PreparedItem], _ judge: (Int, PreparedItem) -> QuickJudgement?
    ) -> [GeneralityMatch] {
        items.enumerated().compactMap { index, item in
            judge(index, item).map {
                GeneralityMatch(index: index, csd: $0.csd, cost: $0.cost, percentile: $0.percentile)
            }
        }.sorted { ($0.cost, $0.csd, $0.index) < ($1.cost, $1.csd, $1.index) }
    }

    /// What an item is judged against.
    struct Surroundings {
        /// What strangers look like from it among texts.
        let texts: NullDistribution
        /// And, for a picture, among pictures.
        let pictures: NullDistribution?
        /// What of the sample is above it.
        let roofs: [Roof]
    }

    /// What an item is judged against.
    /// - Complexity: O(sample * D).
    func surroundings(of x: PreparedItem) -> Surroundings {
        let texts = sample.distribution(of: x.gaussian)
        return Surroundings(texts: texts, pictures: pictureDistribution(of: x), roofs: roofs(over: x, texts))
    }

    /// What a list needs to know of an answer.
    struct QuickJudgement {
        let csd: Double
        let cost: Double
        let percentile: Double?
    }

    /// Distance and cost of b as a generalisation of X, or nil where a step fails, the cheapest step first.
    /// - Parameters:
    ///   - b: the candidate.
    ///   - x: what it may be a generalisation of.
    ///   - known: the surroundings of X where they are at hand; otherwise made, if no cheaper step fails.
    ///   - isHub: whether b is near to too much, where that is known.
    ///   - above: the texts of the sample that include b, where they are known.
    /// - Returns: distance, cost and percentile, or nil.
    func judgeQuickly(
        _ b: PreparedItem, over x: PreparedItem, _ known: Surroundings?, isHub: Bool? = nil, above: [Int]? = nil
    ) -> QuickJudgement? {
        guard includesByKind(b, x) else { return nil }
        let isOneKind = b.kind == x.kind
        if isOneKind, isHub == true { return nil }
        if isOneKind, let ratio = ratioBound(x.kind), !(b.gaussian.totalVariance > ratio * x.gaussian.totalVariance) {
            return nil
        }
        let csd = x.gaussian.csd(to: b.gaussian)
        if !isOneKind, let matchesFrom, !(matchProbability(b, x, csd) >= matchesFrom) { return nil }
        func isRelated(_ null: NullDistribution?) -> Bool { relatedness(of: b, to: x, csd, null).isRelated }
        let null = known.map { isOfPictures(b, x) ? $0.pictures : $0.texts }
        if let null, !isRelated(null) { return nil }
        if isOneKind, let margin = rule.inclusionMargin, !(x.gaussian.inclusion(in: b.gaussian) > margin) { return nil }
        guard let null = null ?? strangers(b, x) else { return nil }
        if known == nil, !isRelated(null) { return nil }
        if isOneKind, isSibling(b, of: x, csd, known?.roofs ?? roofs(over: x, null, among: above)) { return nil }
        if isOneKind, isHub == nil, isTooNear(b) { return nil }
        return QuickJudgement(
            csd: csd, cost: cost(of: b, over: x, csd, null), percentile: isOneKind ? null.percentile(of: csd) : nil)
    }

    /// Whether b is a hub.
    func isTooNear(_ b: PreparedItem) -> Bool {
        guard let bound = rule.neighboursBelow, let share = neighbourShare(of: b) else { return false }
        return share >= bound
    }

    private func isSibling(_ b: PreparedItem, of x: PreparedItem, _ csd: Double, _ roofs: [Roof]) -> Bool {
        guard let bound = rule.siblingsFrom, let ratio = siblingRatio(of: b, csd, under: roofs) else { return false }
        return ratio >= bound
    }

    // MARK: Strangers

    func isOfPictures(_ b: PreparedItem, _ x: PreparedItem) -> Bool { b.kind == .images && x.kind == .images }

    /// The strangers by which b's distance from X is judged; nil for two pictures where no others are known.
    func strangers(_ b: PreparedItem, _ x: PreparedItem) -> NullDistribution? {
        isOfPictures(b, x) ? pictureDistribution(of: x) : sample.distribution(of: x.gaussian)
    }

    private func pictureDistribution(of x: PreparedItem) -> NullDistribution? {
        x.kind == .images ? pictures?.distribution(ofMember: x.gaussian) : nil
    }

    /// The share of the sample to which a text is a near neighbour; nil for pictures and where the rule does not ask.
    package func neighbourShare(of b: PreparedItem) -> Double? {
        guard b.kind == .texts, let crowding else { return nil }
        let near = zip(sample.distances(of: b.gaussian), crowding.radii).count { $0 < $1 }
        return Double(near) / Double(crowding.radii.count)
    }

    /// What the ratio of total variances must exceed between two of a kind: the rule's, in the kind's own steps of vagueness.
    func ratioBound(_ kind: Collection) -> Double? {
        guard kind == .images, let ratio = rule.varianceRatio else { return rule.varianceRatio }
        return exponential(logarithm(ratio) * spread(kind) / sample.vaguenessSpread)
    }

    private func spread(_ kind: Collection) -> Double {
        kind == .images ? pictures?.vaguenessSpread ?? sample.vaguenessSpread : sample.vaguenessSpread
    }

    /// Between a picture and a text the kind tells the direction: a text says of many pictures what is true of this one.
    ///
    /// Inclusion does not tell true from false between kinds (positive for 81 % of the gallery's true pairs that match and
    /// for 78 % of the false ones): the variances are on scales of their own (built-in model: pictures 0.27, texts 0.0004;
    /// ProLIP: 0.0145 and 0.04).
    func includesByKind(_ b: PreparedItem, _ x: PreparedItem) -> Bool { b.kind == x.kind || b.kind == .texts }

    func matchProbability(_ a: PreparedItem, _ b: PreparedItem, _ csd: Double) -> Double {
        scale.probability(
            logit: scale.logit(csd: csd, squaredNorms: a.gaussian.squaredNorm + b.gaussian.squaredNorm))
    }

    /// What `closest` sorts by; lower comes first.
    func cost(of b: PreparedItem, over x: PreparedItem, _ csd: Double, _ null: NullDistribution) -> Double {
        switch rule.measure {
        case .ascent:
            let standing = null.standardized(csd)
            guard b.kind == x.kind else { return standing }
            let gain = logarithm(b.gaussian.totalVariance / x.gaussian.totalVariance) / spread(x.kind)
            return standing + rule.siblingWeight / max(gain, 1e-3) - rule.climbWeight * gain
        case .csd: return csd
        case .containment: return -x.gaussian.containment(in: b.gaussian)
        case .bhattacharyya: return x.gaussian.bhattacharyyaDistance(to: b.gaussian)
        case .kl: return x.gaussian.divergence(to: b.gaussian)
        case .official: return -x.gaussian.containment(in: b.gaussian, form: .official(eps: 0))
        case .inclusion: return -x.gaussian.inclusion(in: b.gaussian)
        }
    }
}
