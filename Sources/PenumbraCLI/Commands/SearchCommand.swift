// `penumbra search`: words become a ranked list of pictures on stdout.
import ArgumentParser
import Engine
import Presentation

extension ResultFormat: ExpressibleByArgument {}

struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Find pictures by words, closest first.",
        discussion: """
            Several words are joined by a space. Each match comes with its calibrated match probability, its distance \
            (CSD, lower is closer) and its uncertainty (total variance, larger is vaguer). The answer is exact: every \
            picture of the index is compared. Where even the best match is improbable, stderr says "no confident match".

            EXAMPLES
              penumbra search a dog on a beach
              penumbra search -n 3 "two green pears"
              penumbra search sunset --format jsonl | jq .path
              penumbra search sunset -0 | xargs -0 ls -l

            Exit code 1 says that nothing was found.
            """)

    @Argument(help: "What to look for.")
    var words: [String]

    @Option(
        name: .customShort("n", allowingJoined: true), help: ArgumentHelp("How many results.", valueName: "count"))
    var n = 10

    @Option(
        help: "table (the default), tsv, jsonl or paths. In jsonl paths are relative to the root, elsewhere to here.")
    var format: ResultFormat?

    @Flag(name: .customShort("0"), help: "Paths only, exact, each ended by a NUL: for xargs -0.")
    var null = false

    @OptionGroup var location: IndexOption

    func validate() throws {
        if null, format != nil { throw ValidationError("-0 prints paths alone: it does not go with --format") }
        guard n >= 1 else { throw ValidationError("-n needs a number of at least 1") }
        guard words.contains(where: { !$0.allSatisfy(\.isWhitespace) }) else {
            throw ValidationError("the query is empty")
        }
    }

    func run() throws {
        let index = try location.open()
        let answer: SearchAnswer
        do {
            answer = try index.search(words.joined(separator: " "), limit: n)
        } catch let error as QueryError {
            throw ValidationError("\(error)")
        }
        for warning in answer.warnings { Console.error(Escaping.visible(Array(warning.utf8))) }
        guard !answer.results.isEmpty else {
            Console.error("nothing found: the index holds no pictures")
            throw ExitCode(1)
        }
        let renderer = renderer(PathStyle(root: index.root, current: Environment.currentFolder))
        Console.write(answer.results.reduce(into: renderer.header) { $0 += renderer.line($1) })
        if answer.isConvincing == false, let best = answer.results.compactMap(\.matchProbability).max() {
            Console.error("no confident match, best \(TableRenderer.percent(best))")
        }
    }

    private func renderer(_ style: PathStyle) -> any ResultRenderer {
        if null { return PathRenderer(style, isNullTerminated: true) }
        switch format ?? .table {
        case .table: return TableRenderer(style, width: Console.width)
        case .tsv: return TSVRenderer(style)
        case .jsonl: return JSONLinesRenderer()
        case .paths: return PathRenderer(style, isNullTerminated: false)
        }
    }
}
