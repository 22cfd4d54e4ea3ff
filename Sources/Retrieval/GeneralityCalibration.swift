// Chains of everyday concepts, encoded by a model, to the rule of generality that suits the model.
import Gaussians
import Storage

/// Chains of texts by index, each most general first: what is known to be more general than what.
package struct ConceptChains: Sendable {
    /// The distinct texts, in order of appearance.
    package let texts: [String]
    /// Each chain's indices into `texts`.
    package let chains: [[Int]]

    /// Numbers the texts of some chains.
    package init(_ chains: [[String]]) {
        var numbers: [String: Int] = [:]
        var texts: [String] = []
        self.chains = chains.map { chain in
            chain.map { text in
                if let number = numbers[text] { return number }
                numbers[text] = texts.count
                texts.append(text)
                return texts.count - 1
            }
        }
        self.texts = texts
    }

    /// For each text, the texts above it in any chain.
    package var generalisations: [Set<Int>] { sets { chain, level in chain[..<level] } }

    /// For each text, the texts below it in any chain.
    package var specialisations: [Set<Int>] { sets { chain, level in chain[(level + 1)...] } }

    /// For each text, the texts one level up in any chain.
    package var parents: [Set<Int>] { sets { chain, level in chain[max(level - 1, 0)..<level] } }

    /// For each text, the texts one level down in any chain.
    package var children: [Set<Int>] {
        sets { chain, level in chain[(level + 1)..<max(min(level + 2, chain.count), level + 1)] }
    }

    private func sets(_ part: ([Int], Int) -> ArraySlice<Int>) -> [Set<Int>] {
        var sets = [Set<Int>](repeating: [], count: texts.count)
        for chain in chains {
            for level in chain.indices {
                sets[chain[level]].formUnion(part(chain, level).filter { $0 != chain[level] })
            }
        }
        return sets
    }
}

/// The rule measured to suit a model, kept once per encoding id.
package struct GeneralityCalibration: Sendable, Equatable, Codable {
    /// How well a rule does on the chains.
    package struct Figure: Sendable, Equatable, Codable {
        /// The rule's name.
        package let rule: String
        /// Share of texts whose first generalisation stands above them in a chain.
        package let firstIsRight: Double
        /// Share of texts whose first generalisation is the next level up in a chain.
        package let firstIsNext: Double

        /// What the choice maximises: right, and the closest first.
        package var merit: Double { (firstIsRight + firstIsNext) / 2 }
    }

    /// The format of this value as JSON.
    package static let currentVersion = 3
    /// Merits nearer to each other than this are equal: the strictest bounds win.
    static let tolerance = 0.01
    /// What a bound on hubs may cost: next to nothing, as it removes what is not in the chains.
    static let hubTolerance = 0.002
    /// The bounds on hubs that are tried.
    static let neighbourBounds = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    /// What a bound on siblings may cost of the right answers: a list that is half wrong is worth one in twenty.
    static let siblingTolerance = 0.05
    /// The bounds on siblings that are tried.
    static let siblingBounds = [1.1, 1.2, 1.3, 1.5, 2]

    /// `currentVersion` when it was measured.
    package let version: Int
    /// All named rules with their bounds, the chosen one first.
    package let rules: [GeneralityRule]
    /// What was measured of each, in the same order.
    package let figures: [Figure]
    /// The walk whose ladders were better: by the harmonic mean of precision and recall.
    package let walk: LadderWalk
    /// How crowded the sample is that the rules were measured with.
    package let crowding: Crowding

    /// The rule to use.
    package var rule: GeneralityRule { rules[0] }

    /// The rule of a name, with this model's bounds.
    package func rule(named name: String) -> GeneralityRule? { rules.first { $0.name == name } }

    /// Measures all rules on chains and chooses.
    ///
    /// Deterministic. `ascent` is tried with several bounds, the others as they are.
    /// - Parameters:
    ///   - chains: the shipped chains.
    ///   - items: their texts, encoded, in the order of `chains.texts`.
    ///   - sample: the lexicon, encoded.
    /// - Complexity: O(texts^2 * D); a few seconds for 677 texts of 192 dimensions.
    package init(chains: ConceptChains, items: [PreparedItem], sample: NullSample) {
        precondition(items.count == chains.texts.count, "one item per text of the chains")
        let crowding = Crowding(sample)
        let bench = RuleBench(chains, items, sample, crowding)
        let ascents = [0.02, 0.05, 0.1].flatMap { related in
            [0, 0.2, 0.4, 0.6, 0.8, 1].map { weight in
                bench.measure(
                    .ascent(spread: sample.vaguenessSpread, relatedBelow: related, siblingWeight: weight))
            }
        }
        let best = ascents.map(\.figure.merit).max() ?? 0
        // The grids go from strict to lenient, so the first that is as good as the best is the strictest.
        let open = ascents.first { $0.figure.merit >= best - Self.tolerance }
        let ascent = open.map { open in
            Self.neighbourBounds.lazy.map { bench.measure(open.rule.withNeighbours(below: $0)) }
                .first { $0.figure.merit >= open.figure.merit - Self.hubTolerance } ?? open
        }.map { bench.keepingSiblingsOut($0) }
        let others = GeneralityRule.all(spread: sample.vaguenessSpread).filter { $0.name != "ascent" }.map {
            // What is related, no hub and no sibling is the same for all rules that ask for it.
            bench.measure(
                $0.relatedBelow == nil
                    ? $0
                    : $0.withNeighbours(below: ascent?.rule.neighboursBelow)
                        .withSiblings(from: ascent?.rule.siblingsFrom))
        }
        // Stable: of equals the earlier named one stays in front.
        let ranked = ((ascent.map { [$0] } ?? []) + others).enumerated()
            .sorted { (-$0.element.figure.merit, $0.offset) < (-$1.element.figure.merit, $1.offset) }.map(\.element)
        version = Self.currentVersion
        rules = ranked.map(\.rule)
        figures = ranked.map(\.figure)
        walk = bench.betterWalk(with: ranked[0].rule)
        self.crowding = crowding
    }
}

/// Measures rules on the same chains, sharing what does not depend on the rule.
private struct RuleBench {
    let chains: ConceptChains
    let items: [PreparedItem]
    let sample: NullSample
    let crowding: Crowding
    let right: [Set<Int>]
    let parents: [Set<Int>]
    let nulls: [NullDistribution]
    /// For each text, those near enough to be related under the loosest bound that is tried.
    let nearby: [[Int]]
    /// The loosest bound that is tried.
    static let loosest = 0.1

    init(_ chains: ConceptChains, _ items: [PreparedItem], _ sample: NullSample, _ crowding: Crowding) {
        self.chains = chains
        self.items = items
        self.sample = sample
        self.crowding = crowding
        right = chains.generalisations
        parents = chains.parents
        let nulls = items.map { sample.distribution(of: $0.gaussian) }
        self.nulls = nulls
        nearby = items.indices.map { x in
            // A little beyond the bound: the rule itself decides.
            let limit = nulls[x].quantile(Self.loosest + 0.01)
            return items.indices.filter { $0 != x && items[x].gaussian.csd(to: items[$0].gaussian) <= limit }
        }
    }

    func generality(_ rule: GeneralityRule) -> Generality {
        Generality(
            rule: rule, sample: sample, scale: MatchScale(scale: 1, bias: 0), matchesFrom: nil, crowding: crowding)
    }

    typealias Measured = (rule: GeneralityRule, figure: GeneralityCalibration.Figure)

    func measure(_ rule: GeneralityRule) -> Measured {
        let generality = generality(rule)
        let hubs = hubs(generality)
        var asked = 0
        var isRight = 0
        var isNext = 0
        for x in items.indices where !right[x].isEmpty {
            asked += 1
            guard let first = first(x, generality, hubs) else { continue }
            if right[x].contains(first) { isRight += 1 }
            if parents[x].contains(first) { isNext += 1 }
        }
        let count = Double(max(asked, 1))
        return (
            rule,
            GeneralityCalibration.Figure(
                rule: rule.name, firstIsRight: Double(isRight) / count, firstIsNext: Double(isNext) / count)
        )
    }

    private func hubs(_ generality: Generality) -> [Bool] {
        items.map { item in
            generality.neighbourShare(of: item).map { $0 >= (generality.rule.neighboursBelow ?? .infinity) } ?? false
        }
    }

    /// The rule with the strictest bound on siblings that keeps the first answers, and nearly all right ones.
    func keepingSiblingsOut(_ open: Measured) -> Measured {
        let all = rightAnswers(open.rule)
        return GeneralityCalibration.siblingBounds.lazy.map { measure(open.rule.withSiblings(from: $0)) }
            .first {
                $0.figure.merit >= open.figure.merit - GeneralityCalibration.hubTolerance
                    && Double(rightAnswers($0.rule)) >= (1 - GeneralityCalibration.siblingTolerance) * Double(all)
            } ?? open
    }

    /// How many right answers a rule gives, wherever they stand in its lists.
    private func rightAnswers(_ rule: GeneralityRule) -> Int {
        let generality = generality(rule)
        let hubs = hubs(generality)
        return items.indices.reduce(0) { count, x in
            let surroundings = surroundings(x, generality)
            return count
                + right[x].count {
                    generality.judgeQuickly(items[$0], over: items[x], surroundings, isHub: hubs[$0]) != nil
                }
        }
    }

    private func surroundings(_ x: Int, _ generality: Generality) -> Generality.Surroundings {
        Generality.Surroundings(
            texts: nulls[x], pictures: nil, roofs: generality.roofs(over: items[x], nulls[x]))
    }

    private func first(_ x: Int, _ generality: Generality, _ hubs: [Bool]) -> Int? {
        var best: (index: Int, cost: Double)?
        let surroundings = surroundings(x, generality)
        let isBounded = (generality.rule.relatedBelow ?? 1) <= Self.loosest
        for index in isBounded ? nearby[x] : Array(items.indices) where index != x {
            guard
                let cost = generality.judgeQuickly(items[index], over: items[x], surroundings, isHub: hubs[index])?.cost
            else { continue }
            if cost < best?.cost ?? .infinity { best = (index, cost) }
        }
        return best?.index
    }

    func betterWalk(with rule: GeneralityRule) -> LadderWalk {
        let generality = generality(rule)
        let merits = LadderWalk.allCases.map { walk in
            let figures = chains.chains.compactMap { chain -> LadderFigure? in
                guard let start = chain.last, chain.count > 1 else { return nil }
                let rungs = generality.ladder(
                    from: items[start], among: items, walk: walk, steps: walk == .interpolation ? 16 : nil,
                    excluding: start)
                return LadderFigure(rungs: Set(rungs), levels: Set(chain).subtracting([start]))
            }
            let precision = figures.reduce(0) { $0 + $1.precision }
            let recall = figures.reduce(0) { $0 + $1.recall }
            return precision + recall > 0 ? precision * recall / (precision + recall) : 0
        }
        return merits[1] > merits[0] ? LadderWalk.allCases[1] : LadderWalk.allCases[0]
    }
}

/// How well one ladder finds the levels of one chain.
package struct LadderFigure: Sendable, Equatable {
    /// Share of the distinct texts retrieved that are levels; 0 where nothing was retrieved.
    package let precision: Double
    /// Share of the levels that were retrieved; 0 where there are none.
    package let recall: Double

    /// Compares rungs with levels.
    package init(rungs: Set<Int>, levels: Set<Int>) {
        let right = Double(rungs.intersection(levels).count)
        precision = rungs.isEmpty ? 0 : right / Double(rungs.count)
        recall = levels.isEmpty ? 0 : right / Double(levels.count)
    }
}
