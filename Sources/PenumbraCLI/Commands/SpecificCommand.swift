// `penumbra specific`: a text or a picture becomes what it is more general than.
import ArgumentParser
import Engine
import Presentation

struct SpecificCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "specific",
        abstract: "Find what a text or a picture is more general than.",
        discussion: """
            The exact mirror of penumbra general: whatever has the text or picture among its generalisations, the best by the \
            model's rule first: the closest of those that are clearly less vague. --lexicon only asks phrases shipped with \
            the program.

            EXAMPLES
              penumbra specific vehicle --in images
              penumbra specific dog --in texts --order specific
              penumbra specific fruit --in images -0 | xargs -0 ls -l
            """)

    @Argument(help: "Words, or a picture file.")
    var subject: [String]

    @Option(help: "closest (the default), general or specific.")
    var order = ListingOrder.closest

    @Option(name: .customLong("in"), help: "both (the default), images or texts.")
    var target = GeneralityTarget.both

    @OptionGroup var answer: AnswerArguments

    func run() throws {
        try answer.show(
            subject.joined(separator: " "), in: target.collections,
            ifEmpty: "nothing here is related to it and more specific", asksDistributions: true
        ) { index, options in
            try index.specific(
                index.subject(subject), index.rule(), in: target.collections, options, order: order)
        }
    }
}
