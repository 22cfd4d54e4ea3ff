// `penumbra specific`: a text or a picture becomes what it is more general than.
import ArgumentParser
import Engine
import Presentation

struct SpecificCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "specific",
        abstract: "Find what a text or a picture is more general than.",
        discussion: """
            The exact mirror of penumbra general: whatever has the text or picture among its generalisations, the closest \
            first.

            EXAMPLES
              penumbra specific vehicle --in images
              penumbra specific dog --in texts --order specific
              penumbra specific fruit --in images -0 | xargs -0 ls -l
            """)

    @Argument(help: "Words, or a picture file.")
    var subject: [String]

    @Option(help: "closest (the default), general or specific.")
    var order = GeneralityListing.closest

    @Option(name: .customLong("in"), help: "both (the default), images or texts.")
    var target = GeneralityTarget.both

    @OptionGroup var page: GeneralityArguments
    @OptionGroup var output: FormatOptions
    @OptionGroup var lexicon: LexiconOption
    @OptionGroup var location: IndexOption

    func run() throws {
        do {
            let index = try location.open()
            var options = try page.options(target.collections, index, lexicon)
            options.order = order
            let query = try index.subject(subject)
            let style = PathStyle(root: index.root, current: Environment.currentFolder)
            let renderer = output.renderer(style, query: subject.joined(separator: " "), explains: page.explain)
            let answer = try index.specific(query, index.rule(), options)
            try AnswerReport(renderer).show(answer, ifEmpty: "nothing here is related to it and more specific")
        } catch let error as QueryError {
            throw error.reported
        }
    }
}
