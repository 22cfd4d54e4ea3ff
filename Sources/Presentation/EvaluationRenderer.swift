// The figures of an evaluation to a table, or to one JSON object.
import Engine
import Foundation

/// The formats of an evaluation.
public enum EvaluationFormat: String, CaseIterable, Sendable {
    /// Columns for people.
    case table
    /// One JSON object.
    case json
}

/// Renders what `penumbra evaluate` measured.
public enum EvaluationRenderer {
    /// Retrieval figures.
    /// - Returns: text with its line end.
    /// - Throws: never but for a figure that is no number, which would be a defect.
    public static func render(
        _ rows: [RetrievalRow], model: Model, as format: EvaluationFormat
    ) throws -> String {
        switch format {
        case .json: return try json(RetrievalReport(model: model, rows: rows))
        case .table:
            return table(
                ["queries", "asked", "of", "R@1", "R@5", "R@10", "median", "R-prec", "mAP@R", "file"],
                rows.map { row in
                    let figures = row.figures
                    // Where nothing was asked there is nothing to average.
                    func share(_ value: Double) -> String { figures.queries == 0 ? "-" : self.share(value) }
                    return [
                        direction(row.queries), "\(figures.queries)", "\(figures.candidates)",
                        share(figures.recallAt1), share(figures.recallAt5), share(figures.recallAt10),
                        figures.queries == 0 ? "-" : String(format: "%.1f", figures.medianRank),
                        share(figures.rPrecision),
                        share(figures.meanAveragePrecisionAtR), Escaping.visible(Array(row.file.utf8)),
                    ]
                })
        }
    }

    /// Figures of a hierarchy.
    /// - Returns: text with its line end.
    /// - Throws: never but for a figure that is no number, which would be a defect.
    public static func render(
        _ evaluation: HierarchyEvaluation, model: Model, as format: EvaluationFormat
    ) throws -> String {
        switch format {
        case .json: return try json(HierarchyReport(model: model, evaluation: evaluation))
        case .table:
            let ladder = evaluation.interpolationLadder
            return table(
                ["what", "value"],
                [
                    ["chains", "\(evaluation.chains)"], ["distinct texts", "\(evaluation.texts)"],
                    ["ladders from pictures", "\(evaluation.pictures)"],
                    ["neighbours in order of total variance", share(evaluation.varianceOrder)],
                    ["neighbours in order of inclusion", share(evaluation.inclusionOrder)],
                    ["Kendall's tau", share(evaluation.kendallTau)],
                    ["interpolation ladder, precision", share(ladder.precision)],
                    ["interpolation ladder, recall", share(ladder.recall)],
                ])
                + rules("general", ["P@1", "P@3", "R@3", "next@1", "P", "R"], evaluation) { cells($0.general) }
                + rules("specific", ["P@1", "P@3", "R@3", "next@1", "P", "R"], evaluation) { cells($0.specific) }
                + rules("ladder", ["P", "R"], evaluation) {
                    [$0.greedyLadder.precision, $0.greedyLadder.recall].map(share)
                }
                + (evaluation.rules.contains(where: \.isDefault) ? "* the model's default rule\n" : "")
        }
    }

    /// One command's figures, a rule a row: narrow enough for any terminal.
    private static func rules(
        _ command: String, _ header: [String], _ evaluation: HierarchyEvaluation, _ cells: (RuleFigures) -> [String]
    ) -> String {
        "\n"
            + table(
                [command] + header,
                evaluation.rules.map { [$0.isDefault ? "\($0.rule) *" : $0.rule] + cells($0) })
    }

    private static func cells(_ figures: ListFigures) -> [String] {
        [
            figures.precisionAt1, figures.precisionAt3, figures.recallAt3, figures.nextAt1, figures.precision,
            figures.recall,
        ].map(share)
    }

    private static func direction(_ queries: Collection) -> String {
        queries == .texts ? "text to picture" : "picture to text"
    }

    private static func share(_ value: Double) -> String { String(format: "%.3f", value) }

    /// Columns: the first to the left, numbers to the right, a last one of names to the left.
    private static func table(_ header: [String], _ rows: [[String]]) -> String {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        return ([header] + rows).map { row in
            let cells = row.enumerated().map { column, cell in
                if column > 0, header[column] == "file" { return cell }
                return column == 0
                    ? cell + String(repeating: " ", count: widths[0] - cell.count) : cell.padded(widths[column])
            }
            return cells.joined(separator: "  ") + "\n"
        }.joined()
    }

    private static func json(_ report: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
    }
}

/// `penumbra evaluate retrieval --format json`.
private struct RetrievalReport: Encodable {
    /// A number, or null where nothing was asked.
    struct Figure: Encodable {
        let value: Double?

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            if let value { try container.encode(value) } else { try container.encodeNil() }
        }
    }

    struct Row: Encodable {
        let file: String
        let direction: String
        let queries: Int
        let candidates: Int
        let recallAt1: Figure
        let recallAt5: Figure
        let recallAt10: Figure
        let medianRank: Figure
        let rPrecision: Figure
        let mapAtR: Figure

        enum CodingKeys: String, CodingKey {
            case file, direction, queries, candidates
            case recallAt1 = "recall_at_1"
            case recallAt5 = "recall_at_5"
            case recallAt10 = "recall_at_10"
            case medianRank = "median_rank"
            case rPrecision = "r_precision"
            case mapAtR = "map_at_r"
        }
    }

    let type = "retrieval"
    let model: String
    let encodingId: String
    let rows: [Row]

    init(model: Model, rows: [RetrievalRow]) {
        self.model = model.name
        encodingId = model.encodingID
        self.rows = rows.map { row in
            let figures = row.figures
            func figure(_ value: Double) -> Figure { Figure(value: figures.queries == 0 ? nil : value) }
            return Row(
                file: row.file, direction: row.queries == .texts ? "text_to_picture" : "picture_to_text",
                queries: figures.queries, candidates: figures.candidates, recallAt1: figure(figures.recallAt1),
                recallAt5: figure(figures.recallAt5), recallAt10: figure(figures.recallAt10),
                medianRank: figure(figures.medianRank), rPrecision: figure(figures.rPrecision),
                mapAtR: figure(figures.meanAveragePrecisionAtR))
        }
    }
}

/// `penumbra evaluate hierarchy --format json`.
private struct HierarchyReport: Encodable {
    struct List: Encodable {
        let precisionAt1: Double
        let precisionAt3: Double
        let recallAt3: Double
        let nextAt1: Double
        let precision: Double
        let recall: Double

        enum CodingKeys: String, CodingKey {
            case precision, recall
            case precisionAt1 = "precision_at_1"
            case precisionAt3 = "precision_at_3"
            case recallAt3 = "recall_at_3"
            case nextAt1 = "next_at_1"
        }

        init(_ figures: ListFigures) {
            precisionAt1 = figures.precisionAt1
            precisionAt3 = figures.precisionAt3
            recallAt3 = figures.recallAt3
            nextAt1 = figures.nextAt1
            precision = figures.precision
            recall = figures.recall
        }
    }

    struct Ladder: Encodable {
        let precision: Double
        let recall: Double

        init(_ figures: LadderFigures) {
            precision = figures.precision
            recall = figures.recall
        }
    }

    struct Rule: Encodable {
        let rule: String
        let isDefault: Bool
        let general: List
        let specific: List
        let ladder: Ladder
    }

    let type = "hierarchy"
    let model: String
    let encodingId: String
    let file: String
    let chains: Int
    let texts: Int
    let pictures: Int
    let varianceOrder: Double
    let inclusionOrder: Double
    let kendallTau: Double
    let interpolationLadder: Ladder
    let rules: [Rule]

    init(model: Model, evaluation: HierarchyEvaluation) {
        self.model = model.name
        encodingId = model.encodingID
        file = evaluation.file
        chains = evaluation.chains
        texts = evaluation.texts
        pictures = evaluation.pictures
        varianceOrder = evaluation.varianceOrder
        inclusionOrder = evaluation.inclusionOrder
        kendallTau = evaluation.kendallTau
        interpolationLadder = Ladder(evaluation.interpolationLadder)
        rules = evaluation.rules.map {
            Rule(
                rule: $0.rule, isDefault: $0.isDefault, general: List($0.general), specific: List($0.specific),
                ladder: Ladder($0.greedyLadder))
        }
    }
}
