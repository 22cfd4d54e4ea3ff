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

/// Which items may answer.
struct ConditionOption: ParsableArguments {
    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Only items that meet a condition, such as \"taken >= 2019-06 and not folder = raw\"; docs/where.md "
                + "has the grammar.", valueName: "condition"))
    var condition: String?

    /// The condition on items of some collections, as the engine takes it.
    func filter(_ collections: [Collection]) throws -> Filter? {
        guard let condition else { return nil }
        do {
            return try Filter(condition, for: collections)
        } catch {
            // Where both kinds answer, only what both have can be asked.
            func isFine(_ collection: Collection) -> Bool { (try? Filter(condition, for: collection)) != nil }
            let isOfBoth = collections.count > 1
            let hint =
                isOfBoth && isFine(.images)
                ? "\nfor conditions on pictures alone add --in images"
                : isOfBoth && isFine(.texts) ? "\nfor conditions on texts alone add --in texts" : ""
            throw ValidationError("--where: \(error)\(hint)")
        }
    }
}

/// Which items, and how many.
struct PageOptions: ParsableArguments {
    @Option(
        name: .customShort("n", allowingJoined: true), help: ArgumentHelp("How many results.", valueName: "count"))
    var n = 10

    @Option(help: ArgumentHelp("How many results to leave out first.", valueName: "count"))
    var offset = 0

    @OptionGroup var condition: ConditionOption

    func validate() throws {
        guard n >= 1 else { throw ValidationError("-n needs a number of at least 1") }
        guard offset >= 0 else { throw ValidationError("--offset needs a number of at least 0") }
    }

    /// The options as the engine takes them.
    func options(_ collections: [Collection]) throws -> SearchOptions {
        var options = SearchOptions(collections[0], limit: n)
        options.offset = offset
        options.filter = try condition.filter(collections)
        return options
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

/// What is cut by its probability, and what is told of the rest.
struct ProbabilityOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only results at least so probable, 0 to 1.", valueName: "p"))
    var minProbability: Double?

    @Flag(help: "Show the parts of each figure.")
    var explain = false

    func validate() throws {
        if let minProbability, !(0...1).contains(minProbability) {
            throw ValidationError("--min-probability needs a number from 0 to 1")
        }
    }

    func apply(_ options: inout SearchOptions) {
        options.minimumProbability = minProbability
        options.explains = explain
    }
}

/// What is cut from a ranking, and what is told of the rest.
struct CutOptions: ParsableArguments {
    @OptionGroup var probability: ProbabilityOptions

    @Flag(
        help: "Cut at the largest step among the first 100: in distance, or in what the rule of generality orders by.")
    var gap = false

    /// Whether the parts of each figure are shown.
    var explain: Bool { probability.explain }

    func apply(_ options: inout SearchOptions) {
        probability.apply(&options)
        options.cutsAtGap = gap
    }
}

/// How sure a search is to find what is closest.
struct AccuracyOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Find each of the closest with at least this probability, above 0 and up to 1; 1, the default, finds all, by "
                + "proof. Distances shown are exact either way.", valueName: "p"))
    var accuracy = 1.0

    func validate() throws {
        guard accuracy > 0, accuracy <= 1 else {
            throw ValidationError("--accuracy needs a number above 0 and up to 1")
        }
    }

    func apply(_ options: inout SearchOptions) { options.accuracy = accuracy }
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

    func renderer(_ index: Index, query: String, explains: Bool) -> any ResultRenderer {
        let style = PathStyle(root: index.root, current: Environment.currentFolder)
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

    /// Adds the lexicon to a search of texts that may need it.
    func apply(_ options: inout SearchOptions, _ index: Index, _ collections: [Collection]) throws {
        let use = LexiconUse(rawValue: lexicon)
        options.lexiconUse = use ?? .only
        guard collections.contains(.texts), options.lexiconUse != .off else { return }
        if options.lexiconUse == .auto, try index.count(.texts) > 0 { return }
        let bar = ProgressBar(unit: "texts")
        defer { bar.finish() }
        options.lexicon = try Lexicon.load(
            index.model(), file: use == nil ? lexicon : nil, cacheFolder: Environment.cacheFolder
        ) { bar.show($0) }
    }
}

/// What commands about one text or picture share: from flags to a ranked answer on stdout.
struct AnswerArguments: ParsableArguments {
    @OptionGroup var page: PageOptions
    @OptionGroup var cut: CutOptions
    @OptionGroup var output: FormatOptions
    @OptionGroup var lexicon: LexiconOption
    @OptionGroup var location: IndexOption

    /// The index, and the options as the engine takes them, with the lexicon where it may be needed.
    func opened(
        _ collections: [Collection], asksDistributions: Bool = false
    ) throws -> (Index, SearchOptions) {
        var options = try page.options(collections)
        cut.apply(&options)
        let index = try location.open()
        if asksDistributions { try index.model().refusePoints() }
        try lexicon.apply(&options, index, collections)
        return (index, options)
    }

    /// Asks, and shows the answer.
    /// - Parameters:
    ///   - shown: the question as it was typed.
    ///   - collections: where to look.
    ///   - ifEmpty: what an empty answer means.
    ///   - asksDistributions: refuses models of points, before anything else is asked of them.
    ///   - ask: the question.
    /// - Throws: whatever the question throws; exit code 1 when nothing was found.
    func show(
        _ shown: String, in collections: [Collection], ifEmpty: String? = nil, asksDistributions: Bool = false,
        _ ask: (Index, SearchOptions) throws -> SearchAnswer
    ) throws {
        try reportingQueryErrors {
            let (index, options) = try opened(collections, asksDistributions: asksDistributions)
            let renderer = output.renderer(index, query: shown, explains: cut.explain)
            try AnswerReport(renderer).show(ask(index, options), ifEmpty: ifEmpty)
        }
    }
}

/// Reports errors of queries as the command line does.
func reportingQueryErrors(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let error as QueryError {
        throw error.reported
    }
}
