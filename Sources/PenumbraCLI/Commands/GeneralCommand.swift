// `penumbra general`: a text or a picture becomes what is more general than it.
import ArgumentParser
import Engine
import Presentation

struct GeneralCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "general",
        abstract: "Find what is more general than a text or a picture.",
        discussion: """
            What is related to it and includes it, the best by the model's rule first: the closest of those that are clearly \
            vaguer; siblings ("green boat" for "a red boat") are left out. Texts of the index answer; where it holds none, \
            phrases shipped with the program. Which rule decides is measured once for each model; penumbra model show \
            tells it.

            EXAMPLES
              penumbra general golden retriever
              penumbra general scene-003.jpg -n 5 --order general
              penumbra general "a red boat" --lexicon words.txt --format jsonl
            """)

    @Argument(help: "Words, or a picture file.")
    var subject: [String]

    @Option(help: "closest (the default), general or specific.")
    var order = ListingOrder.closest

    @Option(name: .customLong("in"), help: "texts (the default), images or both.")
    var target = GeneralityTarget.texts

    @OptionGroup var answer: AnswerArguments

    func run() throws {
        try answer.show(
            subject.joined(separator: " "), in: target.collections,
            ifEmpty: "nothing here is related to it and more general", asksDistributions: true
        ) { index, options in
            try index.general(
                index.subject(subject), index.rule(), in: target.collections, options, order: order)
        }
    }
}
