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
            between two pictures there is no match probability; "closest" tells which share of the collection is as close.

            EXAMPLES
              penumbra similar pool.jpg
              penumbra similar pool.jpg -n 3 --where "orientation = portrait"
              penumbra similar pool.jpg --gap --format paths
            """)

    @Argument(help: "A picture file; it need not be in the index.", completion: .file())
    var picture: String

    @Option(name: .customLong("in"), help: "images (the default) or texts.")
    var target = Target.images

    @OptionGroup var page: PageOptions
    @OptionGroup var order: SortOptions
    @OptionGroup var cut: CutOptions
    @OptionGroup var output: FormatOptions
    @OptionGroup var lexicon: LexiconOption
    @OptionGroup var location: IndexOption

    func run() throws {
        do {
            var options = try page.options(target.collection)
            order.apply(&options)
            cut.apply(&options)
            let index = try location.open()
            try lexicon.apply(&options, index)
            var raw = RawArguments()
            let query = try index.query([.picture(raw.bytes(of: picture))])
            let style = PathStyle(root: index.root, current: Environment.currentFolder)
            let renderer = output.renderer(style, query: picture, explains: cut.explain)
            try AnswerReport(renderer).show(index.search(query, options))
        } catch let error as QueryError {
            throw error.reported
        }
    }
}
