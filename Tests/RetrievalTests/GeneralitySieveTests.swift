// The sieve and the question against the rule asked of every item: the same answers, whatever is bounded and by what.
import Gaussians
import Retrieval
import Storage
import TestSupport
import Testing

@Suite struct GeneralitySieveTests {
    /// Items of an index, as the rule takes them.
    struct Fixture {
        let folder: TemporaryFolder
        let store: IndexStore
        let gaussians: [Gaussian]
        let items: [PreparedItem]
        let kind = Collection.images

        /// An index whose pictures are the items of a tree, every seventh removed.
        init(_ gaussians: [Gaussian], as kind: Collection = .texts) throws {
            folder = try TemporaryFolder()
            store = try SearcherTests.index(gaussians, in: folder)
            self.gaussians = gaussians
            items = try gaussians.map { try PreparedItem($0, kind) }
        }

        /// Every item that may answer by the sieve, and those of them that do by the question.
        func ask(
            _ generality: Generality, _ x: PreparedItem, _ direction: GeneralityDirection, kernels: Kernels = .best,
            threads: Int = 2, halves: Bool = true, as kind: Collection = .texts
        ) throws -> (sieved: [Int], answers: [GeneralityMatch]) {
            try store.read { snapshot in
                let blocks = try snapshot.inclusionBlocks(of: .images)
                #expect(blocks.contains { $0.halves != nil } == halves)
                let sieve = GeneralitySieve(generality, x, direction, kernels: kernels)
                let question = GeneralityQuestion(generality, x, direction)
                let sieved = zip(blocks, sieve.slots(in: blocks, of: kind, threads: threads)).flatMap { block, slots in
                    slots.map { (block, Int($0)) }
                }
                let places = sieved.map { 256 * $0.block.number + $1 }
                let answers = try sieved.compactMap { block, slot in
                    question.answer(
                        try PreparedItem(block.gaussian(slot), kind), index: 256 * block.block.number + slot)
                }
                return (places, answers)
            }
        }

        /// The answers by definition: the rule, asked of every item that is there.
        func exact(
            _ generality: Generality, _ x: PreparedItem, _ direction: GeneralityDirection
        ) -> [GeneralityMatch] {
            let live = items.indices.filter { ($0 + 1) % 7 != 0 }
            let all = live.map { items[$0] }
            let matches =
                direction == .general ? generality.general(x, among: all) : generality.specific(x, among: all)
            return matches.map {
                GeneralityMatch(index: live[$0.index], csd: $0.csd, cost: $0.cost, percentile: $0.percentile)
            }
        }
    }

    static func sorted(_ matches: [GeneralityMatch]) -> [GeneralityMatch] {
        matches.sorted { ($0.cost, $0.csd, $0.index) < ($1.cost, $1.csd, $1.index) }
    }

    /// 24 trees of 31 texts, their Gaussians.
    static func tree(seed: UInt64) throws -> (ConceptTree, [Gaussian]) {
        let tree = try ConceptTree(roots: 24, levels: 5, seed: seed)
        return (tree, tree.gaussians)
    }

    @Test(arguments: GeneralityTests.rules, GeneralityDirection.allCases)
    func theAnswersAreThoseOfTheRuleAskedOfEveryItem(rule: GeneralityRule, direction: GeneralityDirection) throws {
        let (tree, gaussians) = try Self.tree(seed: 21)
        let fixture = try Fixture(gaussians)
        let generality = tree.generality(rule)
        var (answers, sieved) = (0, 0)
        for x in stride(from: 0, to: tree.items.count, by: 41) {
            let expected = fixture.exact(generality, tree.items[x], direction)
            for kernels in Kernels.available {
                let got = try fixture.ask(generality, tree.items[x], direction, kernels: kernels)
                #expect(Self.sorted(got.answers) == expected, "\(kernels.name)")
                answers += got.answers.count
                sieved += got.sieved.count
            }
        }
        #expect(answers > 0)
        if rule.relatedBelow != nil {
            // What is left to be judged is a small part: of the others only what other steps exclude.
            let asked = 4 * ((tree.items.count + 40) / 41) * Kernels.available.count / 4
            #expect(sieved <= max(6 * answers, asked * gaussians.count / 8), "\(sieved) for \(answers) answers")
        }
    }

    @Test(arguments: GeneralityDirection.allCases, [1, 2, 5])
    func threadsAndMissingVariancesChangeNothing(direction: GeneralityDirection, threads: Int) throws {
        let (tree, gaussians) = try Self.tree(seed: 22)
        let fixture = try Fixture(gaussians)
        let rule = GeneralityRule(name: "csd", measure: .csd, relatedBelow: 0.2, inclusionMargin: 20)
        let generality = tree.generality(rule)
        let plain = try Fixture(gaussians)
        let vectors = try VectorStore(path: plain.folder.file("index/vectors-1"), dimension: 64)
        _ = try vectors.environment.write { transaction in
            for block in 0..<3 { _ = try transaction.remove(BlockKey(.images, .halfVariances, block).bytes) }
        }
        for x in [3, 100, 200, 743] {
            let expected = fixture.exact(generality, tree.items[x], direction)
            let got = try fixture.ask(generality, tree.items[x], direction, threads: threads)
            let without = try plain.ask(generality, tree.items[x], direction, threads: threads, halves: false)
            #expect(Self.sorted(got.answers) == expected)
            #expect(Self.sorted(without.answers) == expected)
            #expect(Set(got.sieved).isSubset(of: without.sieved), "more bounds leave fewer")
        }
    }

    @Test(arguments: [0.0, 1, 50, 400]) func inclusionDropsWhatIsNotIncluded(margin: Double) throws {
        let (tree, gaussians) = try Self.tree(seed: 23)
        let fixture = try Fixture(gaussians)
        let rule = GeneralityRule(
            name: "inclusion", measure: .inclusion, relatedBelow: nil, inclusionMargin: margin, varianceRatio: nil)
        let generality = tree.generality(rule)
        var (sieved, answers) = (0, 0)
        for direction in GeneralityDirection.allCases {
            for x in [0, 77, 400] {
                let got = try fixture.ask(generality, tree.items[x], direction)
                #expect(Self.sorted(got.answers) == fixture.exact(generality, tree.items[x], direction))
                (sieved, answers) = (sieved + got.sieved.count, answers + got.answers.count)
            }
        }
        // The last block is not full and has no half-precision variances: there, all are judged.
        #expect(answers > 100 && sieved < answers + 6 * (gaussians.count % 256) + 60, "\(sieved), \(answers)")
    }

    @Test(arguments: GeneralityDirection.allCases) func tiesAndCopiesAreKept(direction: GeneralityDirection) throws {
        var (tree, gaussians) = try Self.tree(seed: 24)
        for index in 300..<500 { gaussians[index] = gaussians[index - 300] }
        let fixture = try Fixture(gaussians)
        let generality = tree.generality(.ascent(spread: tree.sample.vaguenessSpread))
        for x in [0, 1, 5, 16, 301] {
            let got = try fixture.ask(generality, fixture.items[x], direction)
            #expect(Self.sorted(got.answers) == fixture.exact(generality, fixture.items[x], direction))
        }
    }

    @Test(arguments: [nil, 0.3, 0.6] as [Double?]) func betweenKinds(matchesFrom: Double?) throws {
        let (tree, gaussians) = try Self.tree(seed: 25)
        let pictures = try Fixture(gaussians, as: .images)
        var generality = tree.generality(
            .ascent(spread: tree.sample.vaguenessSpread), matchesFrom: matchesFrom)
        var answers = 0
        for x in [0, 31, 90, 500] {
            let got = try pictures.ask(generality, tree.items[x], .specific, as: .images)
            #expect(Self.sorted(got.answers) == pictures.exact(generality, tree.items[x], .specific))
            answers += got.answers.count
            #expect(try pictures.ask(generality, tree.items[x], .general, as: .images).sieved.isEmpty)
            // The same texts as seen from a picture.
            let texts = try Fixture(gaussians)
            let up = try texts.ask(generality, pictures.items[x], .general)
            #expect(Self.sorted(up.answers) == texts.exact(generality, pictures.items[x], .general))
            answers += up.answers.count
            #expect(try texts.ask(generality, pictures.items[x], .specific).sieved.isEmpty)
        }
        #expect(answers > 20)
        // Two pictures are judged by pictures, of which none is known yet.
        for direction in GeneralityDirection.allCases {
            #expect(try pictures.ask(generality, pictures.items[3], direction, as: .images).sieved.isEmpty)
        }
        generality.pictures = NullSample(pictures.items.map(\.gaussian), limit: 300)
        for x in [0, 31, 90, 500] {
            for direction in GeneralityDirection.allCases {
                let got = try pictures.ask(generality, pictures.items[x], direction, as: .images)
                #expect(Self.sorted(got.answers) == pictures.exact(generality, pictures.items[x], direction))
                answers += got.answers.count
            }
        }
        #expect(answers > 40)
    }

    @Test func badNumbersAreLeftToTheRule() throws {
        var (tree, gaussians) = try Self.tree(seed: 26)
        for index in [2, 40, 300] { gaussians[index].logVariance[5] = -80 }
        gaussians[41].logVariance[5] = 60
        gaussians[43].mean = gaussians[43].mean.map { $0 * 1e6 }
        let fixture = try Fixture(gaussians)
        let generality = tree.generality(.ascent(spread: tree.sample.vaguenessSpread))
        for direction in GeneralityDirection.allCases {
            for x in [0, 2, 41, 43, 44] {
                let got = try fixture.ask(generality, fixture.items[x], direction)
                #expect(Self.sorted(got.answers) == fixture.exact(generality, fixture.items[x], direction))
            }
        }
    }
}
