// `penumbra ladder`: a text or a picture becomes a climb to ever more general texts.
import ArgumentParser
import Engine
import Presentation

struct LadderCommand: ParsableCommand {
    /// How the ladder is climbed.
    enum Walk: String, ExpressibleByArgument, CaseIterable {
        case greedy, interpolation
    }

    static let configuration = CommandConfiguration(
        commandName: "ladder",
        abstract: "Climb from a text or a picture to ever more general texts.",
        discussion: """
            The most specific text first; each rung includes the one before, and wordings of one phrase are not repeated. \
            greedy goes from each rung to its closest generalisation, interpolation is the walk of ProLIP and HierarCaps \
            from the item to its root; the better one for the model, by measurement, is the default.

            EXAMPLES
              penumbra ladder scene-003.jpg
              penumbra ladder "a golden retriever on the beach"
              penumbra ladder scene-003.jpg --walk interpolation --steps 20
            """)

    @Argument(help: "Words, or a picture file.")
    var subject: [String]

    @Option(help: "greedy or interpolation. Default: the better one for the model.")
    var walk: Walk?

    @Option(
        help: ArgumentHelp(
            "greedy: the most rungs (32); interpolation: the points between the item and its root (50).",
            valueName: "count"))
    var steps: Int?

    @Option(name: .customLong("in"), help: "texts (the default) or images.")
    var target = Target.texts

    @OptionGroup var condition: ConditionOption
    @OptionGroup var probability: ProbabilityOptions
    @OptionGroup var output: FormatOptions
    @OptionGroup var lexicon: LexiconOption
    @OptionGroup var location: IndexOption

    func validate() throws {
        if let steps, steps < 1 { throw ValidationError("--steps needs a number of at least 1") }
    }

    func run() throws {
        try reportingQueryErrors {
            let index = try location.open()
            try index.model().refusePoints()
            let collection = target.collection
            var options = SearchOptions(collection, limit: .max)
            options.filter = try condition.filter([collection])
            probability.apply(&options)
            try lexicon.apply(&options, index, [collection])
            let answer = try index.ladder(
                index.subject(subject), index.rule(), options, walk: walk?.rawValue, steps: steps)
            let shown = subject.joined(separator: " ")
            try AnswerReport(output.renderer(index, query: shown, explains: probability.explain))
                .show(answer, ifEmpty: "nothing here is related to it and more general")
        }
    }
}
