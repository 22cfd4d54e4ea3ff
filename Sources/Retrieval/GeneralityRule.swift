// A name to the rule that decides which Gaussian is more general than which, and which generalisation comes first.
import Glibc

/// The natural logarithm, under a name that no method hides.
func logarithm(_ value: Double) -> Double { log(value) }

/// The exponential function, likewise.
func exponential(_ value: Double) -> Double { exp(value) }

/// Three steps: related, direction, order.
///
/// Only Gaussians decide; no rule looks at words.
///
/// b is more general than X when (1) b is related to X, (2) X is included in b with a margin and b is vaguer by a ratio;
/// then the lowest `cost` comes first. Each step's bound is a value here, so that it can be measured, kept and shown.
package struct GeneralityRule: Sendable, Equatable, Codable {
    /// What orders the generalisations of X; lower comes first.
    package enum Measure: String, Sendable, Codable {
        /// Standardised CSD + `siblingWeight` / gain - `climbWeight` * gain, where gain is the logarithm of the ratio of total
        /// variances in units of the lexicon's spread.
        case ascent
        /// The closed-form sampled distance.
        case csd
        /// Containment of X in b, largest first.
        case containment
        /// The Bhattacharyya distance.
        case bhattacharyya
        /// The Kullback-Leibler divergence of b from X.
        case kl
        /// The published code's inclusion test, largest first.
        case official
        /// Inclusion of X in b, largest first.
        case inclusion
    }

    /// The rule's name on the command line.
    package var name: String
    /// What orders.
    package var measure: Measure
    /// Step 1 between two of a kind: the share of X's null distribution that may be closer than b; nil does not ask.
    package var relatedBelow: Double?
    /// Step 1 between two texts: the share of strangers that b is a near neighbour of must be below this; nil does not ask.
    ///
    /// A text that is near to nearly half of everything ("picture", "something") is a hub: its nearness to X says nothing.
    package var neighboursBelow: Double?
    /// Step 1 between two texts: b is a sibling of X, and not above it, where it is this many times as far from X as a text of
    /// the sample that includes both; nil does not ask.
    package var siblingsFrom: Double?
    /// Step 2: inclusion of X in b must exceed this, in nats; nil does not ask.
    package var inclusionMargin: Double?
    /// Step 2: the total variance of b over that of X must exceed this; nil does not ask.
    package var varianceRatio: Double?
    /// `ascent`: what a generalisation pays for being hardly vaguer than X, as siblings are.
    package var siblingWeight: Double = 0
    /// `ascent`: what a generalisation gains by being much vaguer than X.
    package var climbWeight: Double = 0

    /// Names a rule and its bounds.
    package init(
        name: String, measure: Measure, relatedBelow: Double? = 0.05, inclusionMargin: Double? = 0,
        varianceRatio: Double? = 1.1, siblingWeight: Double = 0, climbWeight: Double = 0
    ) {
        self.name = name
        self.measure = measure
        self.relatedBelow = relatedBelow
        self.inclusionMargin = inclusionMargin
        self.varianceRatio = varianceRatio
        self.siblingWeight = siblingWeight
        self.climbWeight = climbWeight
    }

    /// The same rule with another bound on hubs.
    package func withNeighbours(below bound: Double?) -> GeneralityRule {
        var rule = self
        rule.neighboursBelow = bound
        return rule
    }

    /// The same rule with another bound on siblings.
    package func withSiblings(from bound: Double?) -> GeneralityRule {
        var rule = self
        rule.siblingsFrom = bound
        return rule
    }

    /// Nearness against the null distribution, with a toll on texts that are hardly vaguer: the default.
    ///
    /// The toll keeps siblings out ("orange boat" for "a red boat") without preferring roots to neighbours.
    /// - Parameters:
    ///   - spread: `NullSample.vaguenessSpread`; a ratio counts in these steps, as models differ in how far variances spread.
    ///   - relatedBelow: step 1.
    ///   - siblingWeight: the toll.
    /// - Returns: the rule.
    package static func ascent(
        spread: Double, relatedBelow: Double = 0.05, siblingWeight: Double = 0.6
    ) -> GeneralityRule {
        GeneralityRule(
            name: "ascent", measure: .ascent, relatedBelow: relatedBelow, varianceRatio: exp(0.2 * spread),
            siblingWeight: siblingWeight, climbWeight: 0.05)
    }

    /// Nearness against vagueness gained, without limit: more first answers are right, but roots come before neighbours.
    package static func reach(spread: Double) -> GeneralityRule {
        GeneralityRule(name: "reach", measure: .ascent, varianceRatio: exp(0.2 * spread), climbWeight: 0.6)
    }

    /// Every rule that has a name, the default first, with the bounds it has before any measurement.
    /// - Parameter spread: `NullSample.vaguenessSpread` of the model's lexicon.
    /// - Returns: eight rules.
    package static func all(spread: Double) -> [GeneralityRule] {
        [
            .ascent(spread: spread), .reach(spread: spread),
            GeneralityRule(name: "csd", measure: .csd, varianceRatio: 1.3),
            GeneralityRule(name: "containment", measure: .containment),
            GeneralityRule(name: "bhattacharyya", measure: .bhattacharyya),
            GeneralityRule(name: "kl", measure: .kl),
            GeneralityRule(name: "official", measure: .official),
            GeneralityRule(
                name: "inclusion-alone", measure: .inclusion, relatedBelow: nil, inclusionMargin: nil,
                varianceRatio: nil),
        ]
    }

    /// The names `--rule` takes, the default first.
    package static let names = all(spread: 1).map(\.name)
}
