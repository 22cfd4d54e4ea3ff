// Two items to a verdict on how they lie to each other, with every number that led to it.
import Gaussians
import Storage

/// Whether two items are related, by what figure and against what bound.
package struct Relatedness: Sendable, Equatable {
    /// What was measured.
    package enum Measure: Sendable, Equatable {
        /// Between a picture and a text: the match probability; higher is closer.
        case matchProbability
        /// The share of the null distribution that is closer, 0 to 1; lower is closer.
        case percentile
    }

    /// What was measured.
    package let measure: Measure
    /// The figure; nil between two pictures where no others are known.
    package let value: Double?
    /// The bound; nil where the rule does not ask.
    package let bound: Double?

    /// Whether the figure keeps the bound; never without a figure.
    package var isRelated: Bool {
        guard let value else { return false }
        guard let bound else { return true }
        return measure == .matchProbability ? value >= bound : value < bound
    }
}

/// Is b more general than X? Each step's figure beside its bound.
package struct GeneralityJudgement: Sendable, Equatable {
    /// The closed-form sampled distance.
    package let csd: Double
    /// Step 1.
    package let relatedness: Relatedness
    /// Step 1: the share of strangers b is a near neighbour of; nil but between two texts, and where the rule does not ask.
    package let neighbourShare: Double?
    /// Step 1: what that share must be below.
    package let neighbourBound: Double?
    /// Step 1: how many times as far from X b is as the closest text of the sample that is above X and includes b too.
    ///
    /// Nil where there is none, and where the rule does not ask.
    package let siblingRatio: Double?
    /// Step 1: from which ratio on b is a sibling.
    package let siblingBound: Double?
    /// Step 2: inclusion of X in b, in nats.
    package let inclusion: Double
    /// Step 2: what inclusion must exceed; nil between kinds and where the rule does not ask.
    package let inclusionMargin: Double?
    /// Step 2: the total variance of b over that of X.
    package let varianceRatio: Double
    /// Step 2: what the ratio must exceed; nil between kinds and where the rule does not ask.
    package let varianceRatioBound: Double?
    /// Step 2: false where b is a picture and X a text.
    package let isPossibleByKind: Bool
    /// Step 3: what `closest` sorts by; lower comes first.
    package let cost: Double

    /// Whether step 2 says that b includes X.
    package var includes: Bool {
        isPossibleByKind && (inclusionMargin.map { inclusion > $0 } ?? true)
            && (varianceRatioBound.map { varianceRatio > $0 } ?? true)
    }
    /// Whether b is more general than X.
    package var isMoreGeneral: Bool {
        let isHub = neighbourShare.map { $0 >= (neighbourBound ?? .infinity) } ?? false
        let isSibling = siblingRatio.map { $0 >= (siblingBound ?? .infinity) } ?? false
        return relatedness.isRelated && !isHub && !isSibling && includes
    }
}

/// How A and B lie to each other.
package struct Relation: Sendable, Equatable {
    /// The verdict.
    package enum Verdict: String, Sendable {
        /// Neither is near the other.
        case unrelated
        /// B is more general than A.
        case firstInsideSecond = "A lies inside B"
        /// A is more general than B.
        case secondInsideFirst = "B lies inside A"
        /// Near each other, and no direction.
        case neither = "related, neither contains the other"
    }

    /// B as a generalisation of A.
    package let upward: GeneralityJudgement
    /// A as a generalisation of B.
    package let downward: GeneralityJudgement

    /// The verdict the two judgements come to.
    package var verdict: Verdict {
        if upward.isMoreGeneral { return .firstInsideSecond }
        if downward.isMoreGeneral { return .secondInsideFirst }
        return upward.relatedness.isRelated || downward.relatedness.isRelated ? .neither : .unrelated
    }
}

extension Generality {
    /// Step 1 between a picture and a text where the model's calibration says nothing: how much may be closer.
    ///
    /// A share of the lexicon. On the gallery it accepts about what the built-in model's calibration does.
    static let relatedBetweenKinds = 0.02

    /// Judges b as a generalisation of X, every step whatever the others say.
    package func judge(_ b: PreparedItem, over x: PreparedItem) -> GeneralityJudgement {
        let null = strangers(b, x)
        let csd = x.gaussian.csd(to: b.gaussian)
        let isOneKind = b.kind == x.kind
        let isOfTexts = isOneKind && b.kind == .texts
        let roofs = isOfTexts ? null.map { self.roofs(over: x, $0) } ?? [] : []
        return GeneralityJudgement(
            csd: csd, relatedness: relatedness(of: b, to: x, csd, null),
            neighbourShare: isOneKind ? neighbourShare(of: b) : nil,
            neighbourBound: isOfTexts ? rule.neighboursBelow : nil,
            siblingRatio: isOfTexts ? siblingRatio(of: b, csd, under: roofs) : nil,
            siblingBound: isOfTexts ? rule.siblingsFrom : nil,
            inclusion: x.gaussian.inclusion(in: b.gaussian),
            inclusionMargin: isOneKind ? rule.inclusionMargin : nil,
            varianceRatio: b.gaussian.totalVariance / x.gaussian.totalVariance,
            varianceRatioBound: isOneKind ? ratioBound(x.kind) : nil, isPossibleByKind: includesByKind(b, x),
            cost: null.map { cost(of: b, over: x, csd, $0) } ?? .infinity)
    }

    /// Judges two items both ways.
    package func relate(_ a: PreparedItem, _ b: PreparedItem) -> Relation {
        Relation(upward: judge(b, over: a), downward: judge(a, over: b))
    }

    /// Step 1.
    func relatedness(
        of b: PreparedItem, to x: PreparedItem, _ csd: Double, _ null: NullDistribution?
    ) -> Relatedness {
        if b.kind != x.kind, let matchesFrom {
            return Relatedness(measure: .matchProbability, value: matchProbability(b, x, csd), bound: matchesFrom)
        }
        let bound = b.kind == x.kind ? rule.relatedBelow : Self.relatedBetweenKinds
        return Relatedness(measure: .percentile, value: null?.percentile(of: csd), bound: bound)
    }
}
