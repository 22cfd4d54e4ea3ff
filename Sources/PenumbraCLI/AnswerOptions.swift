// The options that commands with a ranked answer share: which items, how many, and in which format.
import ArgumentParser
import Engine
import Presentation

extension ResultFormat: ExpressibleByArgument {}
extension SearchOrder: ExpressibleByArgument {}

/// What is looked for.
enum Target: String, ExpressibleByArgument, CaseIterable {
    case images, texts

    var collection: Collection { self == .images ? .images : .texts }
}

/// Which items, and how many.
struct PageOptions: ParsableArguments {
    @Option(
        name: .customShort("n", allowingJoined: true), help: ArgumentHelp("How many results.", valueName: "count"))
    var n = 10

    @Option(help: ArgumentHelp("How many results to leave out first.", valueName: "count"))
    var offset = 0

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Only items that meet a condition, such as \"taken >= 2019-06 and not folder = raw\"; docs/where.md "
                + "has the grammar.", valueName: "condition"))
    var condition: String?

    func validate() throws {
        guard n >= 1 else { throw ValidationError("-n needs a number of at least 1") }
        guard offset >= 0 else { throw ValidationError("--offset needs a number of at least 0") }
    }

    /// The options as the engine takes them.
    func options(_ collection: Collection) throws -> SearchOptions {
        var options = SearchOptions(collection, limit: n)
        options.offset = offset
        options.filter = try filter(collection)
        return options
    }

    func filter(_ collection: Collection) throws -> Filter? {
        do {
            return try condition.map { try Filter($0, for: collection) }
        } catch {
            throw ValidationError("--where: \(error)")
        }
    }
}

/// In which order a search is listed.
struct SortOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "csd, taken, uncertainty or path: the order of all that --where, --min-probability and --gap leave; -n and "
                + "--offset take a page of it. The first column still tells closeness.", valueName: "order"))
    var sort = SearchOrder.csd

    @Flag(help: "The last first; what has no capture time stays last.")
    var reverse = false

    func apply(_ options: inout SearchOptions) {
        options.order = sort
        options.isReversed = reverse
    }
}

/// What is cut from a ranking, and what is told of the rest.
struct CutOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only results at least so probable, 0 to 1.", valueName: "p"))
    var minProbability: Double?

    @Flag(help: "Cut at the largest step in distance among the first 100.")
    var gap = false

    @Flag(help: "Show the parts of each figure.")
    var explain = false

    func validate() throws {
        if let minProbability, !(0...1).contains(minProbability) {
            throw ValidationError("--min-probability needs a number from 0 to 1")
        }
    }

    func apply(_ options: inout SearchOptions) {
        options.minimumProbability = minProbability
        options.cutsAtGap = gap
        options.explains = explain
    }
}

/// How results are written.
struct FormatOptions: ParsableArguments {
    @Option(
        help: "table (the default), tsv, jsonl or paths. In jsonl paths are relative to the root, elsewhere to here.")
    var format: ResultFormat?

    @Flag(name: .customShort("0"), help: "Paths or texts only, exact, each ended by a NUL: for xargs -0.")
    var null = false

    func validate() throws {
        if null, format != nil { throw ValidationError("-0 prints paths alone: it does not go with --format") }
    }

    func renderer(_ style: PathStyle, query: String, explains: Bool) -> any ResultRenderer {
        if null { return PathRenderer(style, isNullTerminated: true) }
        switch format ?? .table {
        case .table: return TableRenderer(style, width: Console.width, explains: explains)
        case .tsv: return TSVRenderer(style, explains: explains)
        case .jsonl: return JSONLinesRenderer(query: query, explains: explains)
        case .paths: return PathRenderer(style, isNullTerminated: false)
        }
    }
}

/// Where texts are looked for: the index or the lexicon.
struct LexiconOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "auto: phrases shipped with the program serve where the index holds no texts; only: they always do; off: "
                + "they never do; or a file of phrases.", valueName: "auto|only|off|file"))
    var lexicon = "auto"

    func validate() throws {
        if lexicon.isEmpty { throw ValidationError("--lexicon needs auto, only, off or a file") }
    }

    /// Adds the lexicon to a search that may need it.
    func apply(_ options: inout SearchOptions, _ index: Index) throws {
        let use = LexiconUse(rawValue: lexicon)
        options.lexiconUse = use ?? .only
        guard options.collection == .texts, options.lexiconUse != .off else { return }
        if options.lexiconUse == .auto, try index.status().texts > 0 { return }
        let bar = ProgressBar(unit: "texts")
        defer { bar.finish() }
        options.lexicon = try Lexicon.load(
            index.model(), file: use == nil ? lexicon : nil, cacheFolder: Environment.cacheFolder
        ) { bar.show($0) }
    }
}
