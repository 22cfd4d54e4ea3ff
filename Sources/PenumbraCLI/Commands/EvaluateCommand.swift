// `penumbra evaluate`: a model and labelled texts to what the model is worth.
import ArgumentParser
import Engine
import Presentation

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a model on labelled pictures and texts; no index is needed.",
        discussion: """
            Every figure is computed exactly; the same files and model give the same figures.

            EXAMPLES
              penumbra evaluate retrieval captions.jsonl
              penumbra evaluate hierarchy captions.jsonl --rule all
            """,
        subcommands: [Retrieval.self, Hierarchy.self])

    /// What both take.
    struct Options: ParsableArguments {
        @Option(help: "A registered name, a model folder, or penumbra-tiny.", completion: .directory)
        var model = Model.builtinName

        @Option(
            help: ArgumentHelp("The field that names the picture. Default: file, or image.", valueName: "name"))
        var imageColumn: String?

        @Option(help: "The output: table or json.")
        var format = EvaluationFormat.table

        func open() throws -> Model { try Environment.registry.open(model) }
    }

    struct Retrieval: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measure how well texts find their pictures, and pictures their texts.",
            discussion: """
                PAIRS is a csv, tsv or jsonl file of pictures (paths beside the file) and texts; a picture may have many texts \
                and a text many pictures. Both directions: Recall@1, 5 and 10 (share of queries with something right among the \
                first), median rank of the best right one, R-Precision (share of right ones among the first R, where R are \
                right), mAP@R. Ties count at their mean rank.

                EXAMPLES
                  penumbra evaluate retrieval captions.jsonl
                  penumbra evaluate retrieval val.csv test.csv --image-column filename --text-column title --format json
                """)

        @Argument(help: "Files of pairs.", completion: .file())
        var pairs: [String]

        @OptionGroup var options: Options

        @Option(
            help: ArgumentHelp(
                "The field that holds the text. Default: text, caption, or the last of levels.", valueName: "name"))
        var textColumn: String?

        func run() async throws {
            let model = try options.open()
            var rows: [RetrievalRow] = []
            var notices: [EvaluationNotice] = []
            for file in pairs {
                let result = try await model.evaluateRetrieval(
                    pairs: file, imageColumn: options.imageColumn, textColumn: textColumn)
                rows += result.rows
                notices += result.notices
            }
            Console.write(Array(try EvaluationRenderer.render(rows, model: model, as: options.format).utf8))
            try EvaluateCommand.show(notices)
        }
    }

    struct Hierarchy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measure how well a model knows the general from the specific.",
            discussion: """
                CHAINS is a jsonl file with `levels`, most general first, or a csv with `captions` ("a => b => c"); pictures \
                are optional. Neighbouring levels in order of total variance and of inclusion; Kendall's tau; for each rule \
                precision and recall of `general`, `specific` (of all texts in the file, at 1 and 3; next@1: the first answer \
                is the next level) and `ladder`, from the picture, else from the last text.

                Rules: \(RuleChoice.names.joined(separator: ", ")).

                EXAMPLES
                  penumbra evaluate hierarchy captions.jsonl
                  penumbra evaluate hierarchy hierarcaps.csv --rule csd --format json
                """)

        @Argument(help: "A file of chains.", completion: .file())
        var chains: String

        @OptionGroup var options: Options

        @Option(
            help: ArgumentHelp(
                "The field that holds the levels. Default: levels, or captions.", valueName: "name"))
        var textColumn: String?

        @Option(help: ArgumentHelp("One rule by name, or all. Default: the model's.", valueName: "name"))
        var rule: String?

        func validate() throws {
            if let rule, rule != "all", !RuleChoice.names.contains(rule) {
                throw ValidationError("no rule '\(rule)'; there are: all, \(RuleChoice.names.joined(separator: ", "))")
            }
        }

        func run() async throws {
            let model = try options.open()
            let choice: RuleChoice = rule.map { $0 == "all" ? .all : .named($0) } ?? .modelDefault
            let bar = ProgressBar(unit: "texts")
            let result = try await model.evaluateHierarchy(
                chains: chains, imageColumn: options.imageColumn, textColumn: textColumn, rules: choice,
                cacheFolder: Environment.cacheFolder
            ) { bar.show($0) }
            bar.finish()
            let text = try EvaluationRenderer.render(result.evaluation, model: model, as: options.format)
            Console.write(Array(text.utf8))
            try EvaluateCommand.show(result.notices)
        }
    }

    /// Tells on stderr what was left out; a failure makes exit code 2.
    private static func show(_ notices: [EvaluationNotice]) throws {
        for notice in notices {
            Console.error(
                "\(Escaping.visible(Array(notice.path.utf8))): \(Escaping.visible(Array(notice.reason.utf8)))")
        }
        if notices.contains(where: \.isFailure) { throw ExitCode(2) }
    }
}

extension EvaluationFormat: ExpressibleByArgument {}
