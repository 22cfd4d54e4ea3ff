// A model and chains of captions to how well it knows the general from the specific.
import Encoders
import Gaussians
import Retrieval
import Storage

/// Which rules of generality to measure.
public enum RuleChoice: Sendable, Equatable {
    /// The one that suits the model best on the shipped chains.
    case modelDefault
    /// One by name.
    case named(String)
    /// All of them, the model's default first.
    case all

    /// The names there are.
    public static var names: [String] { GeneralityRule.names }
}

/// What a file of chains says of a model.
public struct HierarchyEvaluation: Sendable, Equatable {
    /// The file.
    public let file: String
    /// Chains of at least two distinct levels.
    public let chains: Int
    /// Distinct texts.
    public let texts: Int
    /// Chains whose ladder starts at a picture.
    public let pictures: Int
    /// Share of neighbouring levels in the right order of total variance.
    public let varianceOrder: Double
    /// Share of neighbouring levels of which the lower is included in the upper.
    public let inclusionOrder: Double
    /// Kendall's tau-a of level and total variance, averaged over chains.
    public let kendallTau: Double
    /// One entry per rule.
    public let rules: [RuleFigures]
    /// What `ladder --walk interpolation` answers; it asks no rule.
    public let interpolationLadder: LadderFigures
}

extension Model {
    /// Measures how well the model knows the general from the specific, over a file of chains.
    ///
    /// Candidates are the file's distinct texts. A ladder starts at the chain's picture, where it has one that can be read,
    /// else at its last text, which then counts neither as retrieved nor as a level.
    /// - Parameters:
    ///   - path: jsonl with `levels`, or csv with `captions` ("a => b => c"); `file` or `image` is optional.
    ///   - imageColumn: another picture field.
    ///   - textColumn: another field of levels.
    ///   - choice: which rules.
    ///   - cacheFolder: where measured rules are kept; nil keeps none.
    ///   - progress: called after every few texts of the program's that had to be encoded.
    /// - Returns: the figures, and what was left out.
    /// - Throws: an error naming file and line; `EvaluationError` for an unknown rule and for a model of points.
    public func evaluateHierarchy(
        chains path: String, imageColumn: String? = nil, textColumn: String? = nil, rules choice: RuleChoice = .all,
        cacheFolder: String? = nil, progress: (IndexingProgress) -> Void = { _ in }
    ) async throws -> (evaluation: HierarchyEvaluation, notices: [EvaluationNotice]) {
        try refusePoints()
        let file = try ChainsFile(path: path, imageColumn: imageColumn, textColumn: textColumn)
        let measured = try ModelRule.load(self, cacheFolder: cacheFolder, progress: progress)
        let calibration = measured.calibration
        let rules = try Self.rules(choice, calibration)
        let names = Array(Set(file.pictures.compactMap { $0 })).sorted()
        let encoded = try await encodeForEvaluation(pictures: names, texts: file.chains.texts)
        var pictures: [String: PreparedItem] = [:]
        for (name, gaussian) in zip(names, encoded.pictures) {
            if let gaussian { pictures[name] = try PreparedItem(gaussian, .images) }
        }
        let measurement = HierarchyMeasurement(
            chains: file.chains, items: try encoded.texts.map { try PreparedItem($0, .texts) },
            starts: file.pictures.map { $0.flatMap { pictures[$0] } })
        let generalities = rules.map {
            Generality(
                rule: $0, sample: measured.sample, scale: matchScale, matchesFrom: unconvincingBelow,
                crowding: calibration.crowding)
        }
        let figures = await measurement.figures(generalities, default: calibration.rule.name)
        let order = LevelOrder(file.chains, measurement.items)
        return (
            HierarchyEvaluation(
                file: path, chains: file.chains.chains.count, texts: file.chains.texts.count,
                pictures: measurement.starts.count { $0 != nil }, varianceOrder: order.byVariance,
                inclusionOrder: order.byInclusion, kendallTau: order.kendallTau, rules: figures,
                interpolationLadder: measurement.ladder(generalities[0], .interpolation)),
            encoded.notices
        )
    }

    private static func rules(_ choice: RuleChoice, _ calibration: GeneralityCalibration) throws -> [GeneralityRule] {
        switch choice {
        case .modelDefault: return [calibration.rule]
        case .all: return calibration.rules
        case .named(let name):
            guard let rule = calibration.rule(named: name) else {
                throw EvaluationError(
                    description: "no rule \"\(name)\"; there are: \(GeneralityRule.names.joined(separator: ", "))")
            }
            return [rule]
        }
    }
}

/// Encoded chains, ready to be asked.
struct HierarchyMeasurement: Sendable {
    let chains: ConceptChains
    /// The chains' texts, in the order of `chains.texts`.
    let items: [PreparedItem]
    /// The picture each chain's ladder starts at, or nil.
    let starts: [PreparedItem?]

    /// Measures rules, several at once.
    func figures(_ generalities: [Generality], default name: String) async -> [RuleFigures] {
        await withTaskGroup(of: (Int, RuleFigures).self) { group in
            for (place, generality) in generalities.enumerated() {
                group.addTask { (place, self.figures(generality, isDefault: generality.rule.name == name)) }
            }
            var figures = [RuleFigures?](repeating: nil, count: generalities.count)
            for await (place, figure) in group { figures[place] = figure }
            return figures.compactMap { $0 }
        }
    }

    private func figures(_ generality: Generality, isDefault: Bool) -> RuleFigures {
        let general = items.indices.map { generality.general(items[$0], among: items, excluding: $0) }
        // `specific` is the exact mirror of `general`: turned round, no pair is judged twice.
        var mirrored = [[GeneralityMatch]](repeating: [], count: items.count)
        for (y, matches) in general.enumerated() {
            for match in matches {
                mirrored[match.index].append(GeneralityMatch(index: y, csd: match.csd, cost: match.cost))
            }
        }
        let specific = mirrored.map { matches in
            matches.sorted { ($0.cost, $0.csd, $0.index) < ($1.cost, $1.csd, $1.index) }.map(\.index)
        }
        return RuleFigures(
            rule: generality.rule.name, isDefault: isDefault,
            general: ListFigures(
                answers: general.map { $0.map(\.index) }, right: chains.generalisations, next: chains.parents),
            specific: ListFigures(answers: specific, right: chains.specialisations, next: chains.children),
            greedyLadder: ladder(generality, .greedy))
    }

    /// Climbs every chain's ladder.
    func ladder(_ generality: Generality, _ walk: LadderWalk) -> LadderFigures {
        LadderFigures(
            zip(chains.chains, starts).compactMap { chain, picture in
                guard let last = chain.last else { return nil }
                let start = picture ?? items[last]
                let excluded = picture == nil ? last : nil
                let rungs = generality.ladder(from: start, among: items, walk: walk, excluding: excluded)
                return LadderFigure(rungs: Set(rungs), levels: Set(chain).subtracting(excluded.map { [$0] } ?? []))
            })
    }
}
