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

/// In which order generalisations or specialisations are listed.
package enum GeneralityOrder: String, Sendable, CaseIterable {
    /// What the rule puts first: the closest enclosing one.
    case closest
    /// The vaguest first.
    case general
    /// The least vague first.
    case specific
}

/// One answer to "what is more general (or more specific) than X?".
package struct GeneralityMatch: Sendable, Equatable {
    /// Its place in the collection that was asked.
    package let index: Int
    /// The closed-form sampled distance to X.
    package let csd: Double
    /// What the rule orders by; lower comes first.
    package let cost: Double

    /// Names an answer.
    package init(index: Int, csd: Double, cost: Double) {
        self.index = index
        self.csd = csd
        self.cost = cost
    }
}

/// The rule of generality of one model: decides between items, and lists.
package struct Generality: Sendable {
    /// The rule.
    package let rule: GeneralityRule
    /// What strangers look like: texts of the lexicon or the collection.
    package let sample: NullSample
    /// From CSD to match probability, between a picture and a text.
    package let scale: MatchScale
    /// From which match probability a picture and a text are related; nil judges by the null distribution.
    package let matchesFrom: Double?

    /// Collects what decides.
    /// - Parameters:
    ///   - rule: the steps and their bounds.
    ///   - sample: texts, fixed for the model.
    ///   - scale: the model's.
    ///   - matchesFrom: `unconvincing_below` of the model's calibration, where it has one.
    package init(rule: GeneralityRule, sample: NullSample, scale: MatchScale, matchesFrom: Double?) {
        self.rule = rule
        self.sample = sample
        self.scale = scale
        self.matchesFrom = matchesFrom
    }

    /// Everything that is more general than X.
    ///
    /// Each item is judged by itself: a large collection can be asked block by block and the answers merged by cost.
    /// - Parameters:
    ///   - x: the item asked about.
    ///   - items: where to look.
    ///   - order: how to list.
    ///   - excluded: an index to leave out: X itself.
    /// - Returns: in order; ties by index.
    /// - Complexity: O(items * D).
    package func general(
        _ x: PreparedItem, among items: [PreparedItem], order: GeneralityOrder = .closest,
        excluding excluded: Int? = nil
    ) -> [GeneralityMatch] {
        let null = sample.distribution(of: x.gaussian)
        return sorted(items, order) { index, item in
            index == excluded ? nil : judgeQuickly(item, over: x, null)
        }
    }

    /// Everything that X is more general than: the exact mirror of `general`, each item judged by its own null distribution.
    /// - Parameters:
    ///   - x: the item asked about.
    ///   - items: where to look.
    ///   - order: how to list.
    ///   - excluded: an index to leave out: X itself.
    /// - Returns: in order; ties by index.
    /// - Complexity: O(items * D), and O(sample * D) for each item that passes the cheaper steps.
    package func specific(
        _ x: PreparedItem, among items: [PreparedItem], order: GeneralityOrder = .closest,
        excluding excluded: Int? = nil
    ) -> [GeneralityMatch] {
        sorted(items, order) { index, item in
            index == excluded ? nil : judgeQuickly(x, over: item, nil)
        }
    }

    private func sorted(
        _ items: [PreparedItem], _ order: GeneralityOrder, _ judge: (Int, PreparedItem) -> (csd: Double, cost: Double)?
    ) -> [GeneralityMatch] {
        let matches = items.enumerated().compactMap { index, item in
            judge(index, item).map { GeneralityMatch(index: index, csd: $0.csd, cost: $0.cost) }
        }
        let vagueness = { (match: GeneralityMatch) in items[match.index].gaussian.totalVariance }
        switch order {
        case .closest:
            return matches.sorted { ($0.cost, $0.csd, $0.index) < ($1.cost, $1.csd, $1.index) }
        case .general:
            return matches.sorted { (-vagueness($0), $0.cost, $0.index) < (-vagueness($1), $1.cost, $1.index) }
        case .specific:
            return matches.sorted { (vagueness($0), $0.cost, $0.index) < (vagueness($1), $1.cost, $1.index) }
        }
    }

    /// Distance and cost of b as a generalisation of X, or nil where a step fails, the cheapest step first.
    /// - Parameters:
    ///   - b: the candidate.
    ///   - x: what it may be a generalisation of.
    ///   - known: the null distribution of X where it is at hand; otherwise it is made, if no cheaper step fails.
    /// - Returns: distance and cost, or nil.
    func judgeQuickly(
        _ b: PreparedItem, over x: PreparedItem, _ known: NullDistribution?
    ) -> (csd: Double, cost: Double)? {
        guard includesByKind(b, x) else { return nil }
        let isOneKind = b.kind == x.kind
        if isOneKind, let ratio = rule.varianceRatio, !(b.gaussian.totalVariance > ratio * x.gaussian.totalVariance) {
            return nil
        }
        let csd = x.gaussian.csd(to: b.gaussian)
        if !isOneKind, let matchesFrom, !(matchProbability(b, x, csd) >= matchesFrom) { return nil }
        if let known, !relatedness(of: b, to: x, csd, known).isRelated { return nil }
        if isOneKind, let margin = rule.inclusionMargin, !(x.gaussian.inclusion(in: b.gaussian) > margin) { return nil }
        let null = known ?? sample.distribution(of: x.gaussian)
        if known == nil, !relatedness(of: b, to: x, csd, null).isRelated { return nil }
        return (csd, cost(of: b, over: x, csd, null))
    }

    /// Between a picture and a text the kind tells the direction: a text says of many pictures what is true of this one.
    ///
    /// The variances of the two kinds are on scales of their own (built-in model: pictures 0.27, texts 0.0004; ProLIP:
    /// 0.0145 and 0.04), so inclusion between them tells which scale is wider, not which of the two is more general.
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
            let gain = logarithm(b.gaussian.totalVariance / x.gaussian.totalVariance) / sample.vaguenessSpread
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
