// `penumbra describe`: a picture becomes the texts that match it, from specific to vague.
import ArgumentParser
import Engine
import Presentation

struct DescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Say what is true of a picture, from specific to vague.",
        discussion: """
            Texts of the index that match the picture with confidence, the most specific first; where the index holds no \
            texts, phrases shipped with the program. Confident is what is at least half as probable as the best, and as \
            probable as the model's calibration asks (where nothing is, stderr says so); --min-probability sets another \
            border. The closest texts of a picture are often the vaguest true ones; \
            --order closest puts them first all the same.

            EXAMPLES
              penumbra describe scene-003.jpg
              penumbra describe scene-003.jpg -n 5 --order closest
              penumbra describe scene-003.jpg --lexicon words.txt --format jsonl
            """)

    @Argument(help: "A picture file; it need not be in the index.", completion: .file())
    var picture: String

    @Option(help: "specific (the default), general or closest.")
    var order = ListingOrder.specific

    @Option(name: .customLong("in"), help: "texts: pictures are described by nothing else.")
    var target = Target.texts

    @OptionGroup var answer: AnswerArguments

    func validate() throws {
        if target == .images {
            throw ValidationError("texts describe a picture; penumbra similar finds pictures like it")
        }
    }

    func run() throws {
        try answer.show(picture, in: [.texts]) { index, options in
            try index.describe(index.picture(picture), options, order: order)
        }
    }
}
