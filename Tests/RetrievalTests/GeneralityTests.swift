// The rule of generality on trees of Gaussians: mirror, antisymmetry, ladders, relations.
import Foundation
import Gaussians
import Retrieval
import Storage
import TestSupport
import Testing

/// A tree of Gaussians: children lie near their parent and are narrower.
struct ConceptTree {
    var items: [PreparedItem] = []
    var gaussians: [Gaussian] = []
    /// Each item's parent; nil for roots.
    var parents: [Int?] = []

    init(roots: Int = 24, branching: Int = 2, levels: Int = 4, dimension: Int = 64, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<roots {
            let root = generator.gaussian(dimension: dimension, logVariance: -7)
            try grow(root, parent: nil, level: 1, branching: branching, levels: levels, &generator)
        }
    }

    private mutating func grow(
        _ gaussian: Gaussian, parent: Int?, level: Int, branching: Int, levels: Int, _ generator: inout SeededGenerator
    ) throws {
        let index = items.count
        items.append(try PreparedItem(gaussian, .texts))
        gaussians.append(gaussian)
        parents.append(parent)
        guard level < levels else { return }
        for _ in 0..<branching {
            var child = gaussian
            for i in child.mean.indices { child.mean[i] += 0.09 * generator.normal() }
            let norm = child.mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
            child.mean = child.mean.map { $0 / norm }
            child.logVariance = child.logVariance.map { $0 - 0.8 + 0.1 * generator.normal() }
            try grow(child, parent: index, level: level + 1, branching: branching, levels: levels, &generator)
        }
    }

    func ancestors(_ index: Int) -> [Int] {
        var found: [Int] = []
        var current = parents[index]
        while let ancestor = current {
            found.append(ancestor)
            current = parents[ancestor]
        }
        return found
    }

    var sample: NullSample { NullSample(items.map(\.gaussian)) }

    func generality(_ rule: GeneralityRule, matchesFrom: Double? = nil) -> Generality {
        Generality(rule: rule, sample: sample, scale: MatchScale(scale: 10, bias: -5), matchesFrom: matchesFrom)
    }
}

@Suite struct GeneralityTests {
    static let rules =
        GeneralityRule.all(spread: 0.9) + [
            .ascent(spread: 0.9).withNeighbours(below: 0.4).withSiblings(from: 1.2)
        ]

    @Test func ancestorsAreMoreGeneralAndTheParentComesFirst() throws {
        let tree = try ConceptTree(seed: 1)
        let generality = tree.generality(.ascent(spread: tree.sample.vaguenessSpread))
        var first = 0
        var asked = 0
        var complete = 0
        for x in tree.items.indices where tree.parents[x] != nil {
            let found = generality.general(tree.items[x], among: tree.items, excluding: x).map(\.index)
            asked += 1
            if found.first == tree.parents[x] { first += 1 }
            if Set(tree.ancestors(x)).isSubset(of: found) { complete += 1 }
        }
        #expect(Double(first) / Double(asked) > 0.9, "\(first) of \(asked)")
        #expect(Double(complete) / Double(asked) > 0.95, "\(complete) of \(asked)")
    }

    @Test(arguments: rules) func specificMirrorsGeneral(rule: GeneralityRule) throws {
        let tree = try ConceptTree(roots: 12, seed: 2)
        let generality = tree.generality(rule)
        var pairs: Set<[Int]> = []
        for x in tree.items.indices {
            for match in generality.general(tree.items[x], among: tree.items, excluding: x) {
                pairs.insert([x, match.index])
            }
        }
        var mirrored: Set<[Int]> = []
        for x in tree.items.indices {
            for match in generality.specific(tree.items[x], among: tree.items, excluding: x) {
                mirrored.insert([match.index, x])
            }
        }
        #expect(pairs == mirrored)
        #expect(pairs.count > 100)
        if rule.inclusionMargin != nil {
            #expect(
                pairs.allSatisfy { !pairs.contains([$0[1], $0[0]]) }, "no two are each more general than the other")
        }
    }

    @Test(arguments: rules) func theJudgementAgreesWithTheList(rule: GeneralityRule) throws {
        let tree = try ConceptTree(roots: 12, seed: 3)
        let generality = tree.generality(rule)
        for x in tree.items.indices.prefix(20) {
            let listed = generality.general(tree.items[x], among: tree.items, excluding: x)
            let costs = Dictionary(uniqueKeysWithValues: listed.map { ($0.index, $0.cost) })
            for b in tree.items.indices where b != x {
                let judgement = generality.judge(tree.items[b], over: tree.items[x])
                #expect(judgement.isMoreGeneral == (costs[b] != nil))
                if let cost = costs[b] { #expect(judgement.cost == cost) }
            }
            #expect(listed.map(\.cost) == listed.map(\.cost).sorted())
        }
    }

    /// A sibling that is by chance vaguer is no generalisation: the parent is above both, and closer.
    @Test func siblingsAreKeptOutAndAncestorsAreNot() throws {
        let tree = try ConceptTree(seed: 4)
        let open = GeneralityRule.ascent(spread: tree.sample.vaguenessSpread)
        let lenient = tree.generality(open)
        let strict = tree.generality(open.withSiblings(from: 1.2))
        var asked = 0
        var lost = 0
        var ancestors = 0
        for x in tree.items.indices where tree.ancestors(x).count == 3 {
            let sibling = try #require(tree.items.indices.first { $0 != x && tree.parents[$0] == tree.parents[x] })
            let gaussian = tree.items[sibling].gaussian
            let vaguer = try PreparedItem(
                Gaussian(mean: gaussian.mean, logVariance: gaussian.variance.map { Float(log($0 * 1.4)) }), .texts)
            let items = tree.items + [vaguer]
            func listed(_ generality: Generality) -> Set<Int> {
                Set(generality.general(tree.items[x], among: items, excluding: x).map(\.index))
            }
            let (before, after) = (listed(lenient), listed(strict))
            #expect(after.isSubset(of: before))
            if before.contains(items.count - 1) { asked += 1 }
            if after.contains(items.count - 1) { lost += 1 }
            ancestors += after.intersection(tree.ancestors(x)).count
            let judgement = strict.judge(vaguer, over: tree.items[x])
            #expect(judgement.siblingBound == 1.2 && judgement.isMoreGeneral == after.contains(items.count - 1))
        }
        #expect(asked > 150 && lost * 10 < asked, "\(lost) of \(asked) vaguer siblings")
        #expect(Double(ancestors) > 0.95 * 576, "\(ancestors) of 576 ancestors")
    }

    /// What of the sample is above X is found as a list of the sample would find it.
    @Test func roofsAreTheGeneralisationsInTheSample() throws {
        let tree = try ConceptTree(roots: 12, seed: 14)
        let rule = GeneralityRule.ascent(spread: tree.sample.vaguenessSpread).withNeighbours(below: 0.4)
        let generality = tree.generality(rule.withSiblings(from: 1.2))
        let open = tree.generality(rule)
        for x in tree.items.indices {
            let roofs = generality.roofs(over: tree.items[x], tree.sample.distribution(of: tree.items[x].gaussian))
            #expect(Set(roofs.map(\.stranger)) == Set(open.general(tree.items[x], among: tree.items).map(\.index)))
            #expect(roofs.map(\.csd) == roofs.map(\.csd).sorted())
        }
    }

    @Test(arguments: LadderWalk.allCases) func laddersClimb(walk: LadderWalk) throws {
        let tree = try ConceptTree(seed: 5)
        let generality = tree.generality(.ascent(spread: tree.sample.vaguenessSpread))
        var found = 0
        for x in tree.items.indices where tree.ancestors(x).count == 3 {
            let rungs = generality.ladder(from: tree.items[x], among: tree.items, walk: walk, excluding: x)
            let path = [x] + rungs
            #expect(Set(path).count == path.count && !rungs.contains(x))
            for (lower, upper) in zip(path, path.dropFirst()).map({ (tree.items[$0], tree.items[$1]) }) {
                #expect(upper.gaussian.totalVariance > lower.gaussian.totalVariance)
                #expect(lower.gaussian.inclusion(in: upper.gaussian) > 0)
            }
            found += Set(rungs).intersection(tree.ancestors(x)).count
            let short = generality.ladder(from: tree.items[x], among: tree.items, walk: .greedy, steps: 1, excluding: x)
            #expect(short.count <= 1)
        }
        #expect(found > (walk == .greedy ? 500 : 100), "\(found) of 576 ancestors")
    }

    @Test func wordingsOfOnePhraseAreOneRung() throws {
        let tree = try ConceptTree(seed: 6)
        let x = try #require(tree.items.indices.last)
        let generality = tree.generality(.ascent(spread: tree.sample.vaguenessSpread))
        let parent = try #require(tree.parents[x])
        let plain = generality.ladder(from: tree.items[x], among: tree.items, excluding: x)
        #expect(plain.first == parent)
        // The parent again, a little wider: nearer to X than the grandparent, but no rung of its own.
        let original = tree.items[parent].gaussian
        let twin = Gaussian(mean: original.mean, logVariance: original.variance.map { Float(log($0 * 1.3)) })
        let items = tree.items + [try PreparedItem(twin, .texts)]
        let rungs = generality.ladder(from: tree.items[x], among: items, excluding: x)
        #expect(rungs.count { $0 == parent || $0 == items.count - 1 } == 1)
    }

    @Test func relationsHaveAVerdictWithMargins() throws {
        let tree = try ConceptTree(seed: 7)
        let generality = tree.generality(.ascent(spread: tree.sample.vaguenessSpread))
        let child = try #require(tree.items.indices.last)
        let parent = try #require(tree.parents[child])
        let up = generality.relate(tree.items[child], tree.items[parent])
        #expect(up.verdict == .firstInsideSecond)
        #expect(generality.relate(tree.items[parent], tree.items[child]).verdict == .secondInsideFirst)
        #expect(generality.relate(tree.items[child], tree.items[0]).verdict == .unrelated)
        #expect(generality.relate(tree.items[child], tree.items[child]).verdict == .neither)
        #expect(
            up.upward.inclusion == -up.downward.inclusion || abs(up.upward.inclusion + up.downward.inclusion) < 1e-9)
        #expect(up.upward.inclusionMargin == 0 && up.upward.relatedness.bound == 0.05)
        #expect(up.upward.csd == up.downward.csd)
    }

    /// A text is more general than a picture that matches it, never the other way round, whatever the variances say.
    @Test(arguments: [nil, 0.05]) func betweenKindsTheMatchDecides(matchesFrom: Double?) throws {
        let tree = try ConceptTree(seed: 8)
        let generality = tree.generality(.ascent(spread: tree.sample.vaguenessSpread), matchesFrom: matchesFrom)
        let text = tree.items.count - 1
        let near = Gaussian(mean: tree.items[text].gaussian.mean, logVariance: [Float](repeating: -5, count: 64))
        let picture = try PreparedItem(near, .images)
        let above = generality.general(picture, among: tree.items).map(\.index)
        #expect(above.first == text)
        #expect(above.count < tree.items.count / 2)
        for (index, item) in tree.items.enumerated() {
            #expect(generality.specific(item, among: [picture]).isEmpty == !above.contains(index))
        }
        #expect(generality.general(tree.items[text], among: [picture]).isEmpty)
        #expect(generality.ladder(from: picture, among: tree.items).first == text)
    }

    @Test func theNullDistributionCountsStrangers() throws {
        let null = NullDistribution([4, 1, 3, 2])
        #expect(null.percentile(of: 1) == 0 && null.percentile(of: 2.5) == 0.5 && null.percentile(of: 9) == 1)
        #expect(null.quantile(0) == 1 && null.quantile(1) == 4 && null.quantile(0.5) == 2.5)
        #expect(null.mean == 2.5 && abs(null.standardDeviation - 1.25.squareRoot()) < 1e-12)
        #expect(null.standardized(2.5) == 0)
        #expect(null.threshold(below: 0.5) == 2 && null.threshold(below: 0) == -.infinity)
        #expect(null.threshold(below: 1.1) == .infinity && null.threshold(below: 0.51) == 3)
        #expect(null.lowerTail(0.01) == nil, "four strangers have no tail")
        let many = NullDistribution((0..<100).map { $0 < 50 ? 9 : 11 })
        #expect(abs((many.lowerTail(0.01) ?? 0) - (10 - 2.3263478740408408)) < 1e-9)
        let tree = try ConceptTree(seed: 9)
        let gaussians = tree.items.map(\.gaussian)
        let sample = NullSample(gaussians, limit: 10)
        #expect(sample.strangers.count == 10)
        #expect(sample.distribution(of: gaussians[0]).distances[0] == gaussians[0].csd(to: gaussians[0]))
        #expect(NullSample(gaussians).strangers.count == gaussians.count)
        #expect(sample.vagueness(of: 0) == 0 && sample.vagueness(of: 1e9) == 1)
    }

    /// Pictures are judged by pictures: the copy of the asker is no stranger, and without others nothing is related.
    @Test func picturesAreStrangersToPictures() throws {
        let tree = try ConceptTree(roots: 12, seed: 11)
        // The same tree at the scale of pictures: wider by far, and spread half as far in the logarithm.
        let pictures = try tree.items.indices.map { index in
            var generator = SeededGenerator(seed: UInt64(index))
            let depth = Float(tree.ancestors(index).count)
            let logVariance = (0..<64).map { _ in -4 - 0.4 * depth + 0.05 * generator.normal() }
            return try PreparedItem(
                Gaussian(mean: tree.items[index].gaussian.mean, logVariance: logVariance), .images)
        }
        let sample = NullSample(pictures.map(\.gaussian))
        let spread = tree.sample.vaguenessSpread
        var generality = tree.generality(.ascent(spread: spread))
        let x = try #require(pictures.indices.last)
        let parent = try #require(tree.parents[x])
        #expect(generality.general(pictures[x], among: pictures, excluding: x).isEmpty)
        let unknown = generality.relate(pictures[x], pictures[parent])
        #expect(unknown.verdict == .unrelated && unknown.upward.relatedness.value == nil)

        generality.pictures = sample
        let known = generality.relate(pictures[x], pictures[parent])
        #expect(known.verdict == .firstInsideSecond)
        #expect(generality.relate(pictures[x], pictures[0]).verdict == .unrelated)
        let others = sample.strangers.indices.filter { $0 != x }.map { sample.strangers[$0] }
        let csd = pictures[x].gaussian.csd(to: pictures[parent].gaussian)
        #expect(
            known.upward.relatedness.value
                == NullDistribution(others.map { pictures[x].gaussian.csd(to: $0) }).percentile(of: csd))
        let bound = try #require(known.upward.varianceRatioBound)
        #expect(abs(log(bound) - 0.2 * sample.vaguenessSpread) < 1e-9)
        for y in pictures.indices {
            let above = generality.general(pictures[y], among: pictures, excluding: y).map(\.index)
            for b in pictures.indices where b != y {
                let below = generality.specific(pictures[b], among: [pictures[y]])
                #expect(below.isEmpty == !above.contains(b))
            }
        }
    }

    /// A vague text in the middle of everything is near to all and says nothing of any.
    @Test func hubsAreNoGeneralisations() throws {
        let tree = try ConceptTree(seed: 12)
        var mean = [Float](repeating: 0, count: 64)
        for item in tree.items { for i in mean.indices { mean[i] += item.gaussian.mean[i] } }
        let leaf = try #require(tree.items.indices.last)
        // Half way to one leaf, so that it is near enough to that one to pass for related.
        mean = zip(mean, tree.items[leaf].gaussian.mean).map { $0 / Float(tree.items.count) + 0.5 * $1 }
        let hub = try PreparedItem(Gaussian(mean: mean, logVariance: [Float](repeating: -6.5, count: 64)), .texts)
        let items = tree.items + [hub]
        let open = GeneralityRule.ascent(spread: tree.sample.vaguenessSpread)
        let lenient = tree.generality(open)
        let share = try #require(tree.generality(open.withNeighbours(below: 1)).neighbourShare(of: hub))
        let strict = tree.generality(open.withNeighbours(below: share))
        let listed = { (generality: Generality) in
            Set(generality.general(tree.items[leaf], among: items, excluding: leaf).map(\.index))
        }
        #expect(listed(lenient).contains(items.count - 1))
        #expect(!listed(strict).contains(items.count - 1))
        let judgement = strict.judge(hub, over: tree.items[leaf])
        #expect(judgement.neighbourShare == share && judgement.neighbourBound == share && !judgement.isMoreGeneral)
        for (index, item) in items.enumerated() {
            let above = Set(strict.general(item, among: items, excluding: index).map(\.index))
            #expect(strict.specific(hub, among: [item]).isEmpty == !above.contains(items.count - 1))
        }
    }

    @Test func rungsOfAPictureStayNearIt() throws {
        let tree = try ConceptTree(seed: 13)
        let generality = tree.generality(.ascent(spread: tree.sample.vaguenessSpread), matchesFrom: 0.01)
        var climbed = 0
        for leaf in tree.items.indices where tree.ancestors(leaf).count == 3 {
            let wide = Gaussian(mean: tree.items[leaf].gaussian.mean, logVariance: [Float](repeating: -5, count: 64))
            let picture = try PreparedItem(wide, .images)
            let null = tree.sample.distribution(of: picture.gaussian)
            for walk in LadderWalk.allCases {
                let rungs = generality.ladder(from: picture, among: tree.items, walk: walk)
                climbed += rungs.count
                #expect(
                    rungs.allSatisfy { null.percentile(of: picture.gaussian.csd(to: tree.items[$0].gaussian)) < 0.1 })
            }
        }
        #expect(climbed > 100)
    }

    @Test func theCalibrationIsDeterministicAndSurvivesJSON() throws {
        let tree = try ConceptTree(roots: 12, seed: 10)
        let chains = ConceptChains(
            tree.items.indices.filter { tree.ancestors($0).count == 3 }.map { leaf in
                (tree.ancestors(leaf).reversed() + [leaf]).map { "\($0)" }
            })
        let items = try chains.texts.map { tree.items[try #require(Int($0))] }
        let calibration = GeneralityCalibration(chains: chains, items: items, sample: tree.sample)
        #expect(GeneralityCalibration(chains: chains, items: items, sample: tree.sample) == calibration)
        let json = try JSONEncoder().encode(calibration)
        #expect(try JSONDecoder().decode(GeneralityCalibration.self, from: json) == calibration)
        #expect(Set(calibration.rules.map(\.name)) == Set(GeneralityRule.names))
        #expect(calibration.figures.map(\.rule) == calibration.rules.map(\.name))
        #expect(calibration.figures.map(\.merit) == calibration.figures.map(\.merit).sorted(by: >))
        #expect((calibration.figures.first?.firstIsRight ?? 0) > 0.9)
        #expect(
            calibration.rules.allSatisfy {
                $0.neighboursBelow
                    == ($0.relatedBelow == nil ? nil : calibration.rules.first { $0.name == "ascent" }?.neighboursBelow)
            })
        let bounds = Set(calibration.rules.filter { $0.relatedBelow != nil }.map(\.siblingsFrom))
        #expect(bounds.count == 1 && bounds.first??.isFinite == true, "one bound on siblings for all rules that relate")
        #expect(calibration.crowding == Crowding(tree.sample))
        #expect(calibration.rule(named: "csd")?.measure == .csd && calibration.rule(named: "none") == nil)
    }
}

extension GeneralityRule: CustomTestStringConvertible {
    package var testDescription: String { name }
}
