// Chains, and what a rule of generality answers about them, to figures.
import Retrieval
import Storage

/// How well `general` or `specific` names what stands above or below a text in the chains.
///
/// Averaged over the texts that have something above (below) them. Right for X is the union over all chains that hold X.
public struct ListFigures: Sendable, Equatable {
    /// Share of texts whose first answer is right, 0 to 1.
    public let precisionAt1: Double
    /// Right ones among the first three answers, over 3; fewer answers count as wrong ones.
    public let precisionAt3: Double
    /// Right ones among the first three answers, over all that are right.
    public let recallAt3: Double
    /// Share of texts whose first answer is the very next level of a chain.
    public let nextAt1: Double
    /// Right ones among all answers, over all answers of all texts.
    public let precision: Double
    /// Right ones among all answers, over all that are right, of all texts.
    public let recall: Double
}

/// How well `ladder` finds the levels of a chain.
public struct LadderFigures: Sendable, Equatable {
    /// Right ones among the distinct texts retrieved, averaged over the chains; 0 where none was retrieved.
    public let precision: Double
    /// Right ones over the chain's levels, averaged over the chains.
    public let recall: Double
}

/// What one rule is worth.
public struct RuleFigures: Sendable, Equatable {
    /// The rule's name.
    public let rule: String
    /// Whether it is the model's default.
    public let isDefault: Bool
    /// What `general` answers.
    public let general: ListFigures
    /// What `specific` answers.
    public let specific: ListFigures
    /// What `ladder --walk greedy` answers with this rule.
    public let greedyLadder: LadderFigures
}

extension ListFigures {
    /// Averages over the texts that have something right.
    /// - Parameters:
    ///   - answers: for each text, what was answered, the first first.
    ///   - right: for each text, what is right.
    ///   - next: for each text, the next level.
    package init(answers: [[Int]], right: [Set<Int>], next: [Set<Int>]) {
        var sums = (precisionAt1: 0.0, precisionAt3: 0.0, recallAt3: 0.0, nextAt1: 0.0)
        var totals = (right: 0, answered: 0, found: 0)
        let asked = answers.indices.filter { !right[$0].isEmpty }
        for x in asked {
            let found = Double(answers[x].prefix(3).count(where: right[x].contains))
            if let first = answers[x].first {
                sums.precisionAt1 += right[x].contains(first) ? 1 : 0
                sums.nextAt1 += next[x].contains(first) ? 1 : 0
            }
            sums.precisionAt3 += found / 3
            sums.recallAt3 += found / Double(right[x].count)
            totals.right += right[x].count
            totals.answered += answers[x].count
            totals.found += answers[x].count(where: right[x].contains)
        }
        let count = Double(max(asked.count, 1))
        self.init(
            precisionAt1: sums.precisionAt1 / count, precisionAt3: sums.precisionAt3 / count,
            recallAt3: sums.recallAt3 / count, nextAt1: sums.nextAt1 / count,
            precision: Double(totals.found) / Double(max(totals.answered, 1)),
            recall: Double(totals.found) / Double(max(totals.right, 1)))
    }
}

extension LadderFigures {
    /// Averages over chains.
    init(_ figures: [LadderFigure]) {
        let count = Double(max(figures.count, 1))
        self.init(
            precision: figures.reduce(0) { $0 + $1.precision } / count,
            recall: figures.reduce(0) { $0 + $1.recall } / count)
    }
}

/// Whether levels stand in the order of their vagueness, rule or no rule.
package struct LevelOrder: Sendable {
    /// Share of neighbouring levels of which the upper has the larger total variance.
    package let byVariance: Double
    /// Share of neighbouring levels of which the lower is included in the upper: H above 0.
    package let byInclusion: Double
    /// Kendall's tau-a of level and total variance within a chain, averaged over chains.
    ///
    /// Concordant less discordant pairs, over all pairs; a tie is neither. 1 where the most general is always the vaguest.
    package let kendallTau: Double

    /// Compares the levels of each chain; equal texts within a chain are one level.
    package init(_ chains: ConceptChains, _ items: [PreparedItem]) {
        var neighbours = 0
        var byVariance = 0
        var byInclusion = 0
        var taus: [Double] = []
        for chain in chains.chains {
            var seen: Set<Int> = []
            let levels = chain.filter { seen.insert($0).inserted }.map { items[$0].gaussian }
            guard levels.count > 1 else { continue }
            for (upper, lower) in zip(levels, levels.dropFirst()) {
                neighbours += 1
                if upper.totalVariance > lower.totalVariance { byVariance += 1 }
                if lower.inclusion(in: upper) > 0 { byInclusion += 1 }
            }
            taus.append(Self.tau(levels.map(\.totalVariance)))
        }
        self.byVariance = Double(byVariance) / Double(max(neighbours, 1))
        self.byInclusion = Double(byInclusion) / Double(max(neighbours, 1))
        kendallTau = taus.isEmpty ? 0 : taus.reduce(0, +) / Double(taus.count)
    }

    /// Tau-a of a sequence with its own descending order.
    static func tau(_ values: [Double]) -> Double {
        var sum = 0
        for i in values.indices {
            for j in values.indices where j > i { sum += values[i] > values[j] ? 1 : values[i] < values[j] ? -1 : 0 }
        }
        return Double(sum) / Double(values.count * (values.count - 1) / 2)
    }
}
