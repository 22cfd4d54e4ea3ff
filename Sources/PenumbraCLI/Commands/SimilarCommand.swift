// `penumbra similar`: a picture becomes a ranked list of pictures.
import ArgumentParser
import Engine
import Presentation

struct SimilarCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "similar",
        abstract: "Find pictures like a picture, closest first.",
        discussion: """
            The picture itself and copies of it are left out. The model was trained on pairs of picture and text, so \
            between two pictures there is no match probability; "closest" tells which share of the collection is closer.

            EXAMPLES
              penumbra similar pool.jpg
              penumbra similar pool.jpg -n 3 --where "orientation = portrait"
              penumbra similar pool.jpg --gap --format paths
            """)

    @Argument(help: "A picture file; it need not be in the index.", completion: .file())
    var picture: String

    @Option(name: .customLong("in"), help: "images (the default) or texts.")
    var target = Target.images

    @OptionGroup var order: SortOptions
    @OptionGroup var accuracy: AccuracyOption
    @OptionGroup var answer: AnswerArguments

    func run() throws {
        try answer.show(picture, in: [target.collection]) { index, options in
            var options = options
            order.apply(&options)
            accuracy.apply(&options)
            return try index.search(index.picture(picture), options)
        }
    }
}

extension Index {
    /// A picture, or the vector of one, as a query.
    func picture(_ argument: String) throws -> Query {
        var raw = RawArguments()
        let query = try query([.picture(raw.bytes(of: argument))])
        guard query.kind == .picture else { throw QueryError.noPicture }
        return query
    }
}
