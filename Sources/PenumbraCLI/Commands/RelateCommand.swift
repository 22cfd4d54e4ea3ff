// `penumbra relate`: two texts or pictures become a verdict on how they lie to each other.
import ArgumentParser
import Engine
import Presentation

struct RelateCommand: ParsableCommand {
    /// How the verdict is written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    static let configuration = CommandConfiguration(
        commandName: "relate",
        abstract: "Say how two texts or pictures lie to each other.",
        discussion: """
            The verdict is one of: unrelated; A lies inside B; B lies inside A; related, neither contains the other. Each \
            figure that led to it stands beside its bound: strangers are the program's phrases; an outer text that is near to \
            too many of them is a hub, and one that is clearly farther than a phrase including both is a sibling. Between a picture and a text the direction is by kind: a text that \
            matches a picture is the more general of the two. Two pictures are judged by the pictures of the index.

            EXAMPLES
              penumbra relate dog animal
              penumbra relate scene-003.jpg "a black dog"
              penumbra relate "a red boat" "an orange boat" --format json
            """)

    @Argument(help: "A: a text in one argument, or a picture file.")
    var a: String

    @Argument(help: "B: likewise.")
    var b: String

    @Option(help: "table (the default) or json.")
    var format = Format.table

    @OptionGroup var location: IndexOption

    func run() throws {
        try reportingQueryErrors {
            let index = try location.open()
            try index.model().refusePoints()
            let queries = try [a, b].map { try index.subject([$0]) }
            for warning in queries.flatMap(\.warnings) { Console.error(Escaping.visible(Array(warning.utf8))) }
            let answer = try index.relate(queries[0], queries[1], index.rule())
            let renderer = RelationRenderer(answer, a: a, b: b)
            Console.write(format == .json ? renderer.json : renderer.table)
        }
    }
}
