// The options that the commands of generality share: which items, how many, in which order, by which rule.
import ArgumentParser
import Engine
import Presentation

extension GeneralityListing: ExpressibleByArgument {}

/// Where generalisations and specialisations are looked for.
enum GeneralityTarget: String, ExpressibleByArgument, CaseIterable {
    case images, texts, both

    var collections: [Collection] {
        switch self {
        case .images: [.images]
        case .texts: [.texts]
        case .both: [.texts, .images]
        }
    }
}

/// Which items, how many, in which order.
struct GeneralityArguments: ParsableArguments {
    @Option(
        name: .customShort("n", allowingJoined: true), help: ArgumentHelp("How many results.", valueName: "count"))
    var n = 10

    @Option(help: ArgumentHelp("How many results to leave out first.", valueName: "count"))
    var offset = 0

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Only items that meet a condition; docs/where.md has the grammar.", valueName: "condition"))
    var condition: String?

    @Flag(help: "Show the parts of each figure.")
    var explain = false

    func validate() throws {
        guard n >= 1 else { throw ValidationError("-n needs a number of at least 1") }
        guard offset >= 0 else { throw ValidationError("--offset needs a number of at least 0") }
    }

    /// The options as the engine takes them, with the lexicon where it may be needed.
    func options(
        _ collections: [Collection], _ index: Index, _ lexicon: LexiconOption
    ) throws -> GeneralityOptions {
        try index.model().refusePoints()
        var options = GeneralityOptions(collections, limit: n)
        options.offset = offset
        options.explains = explain
        do {
            options.filter = try condition.map { try Filter($0, for: collections[0]) }
        } catch let mistake where collections == [.texts, .images] {
            // Both kinds answer by default, and texts have few fields.
            throw ValidationError("--where: \(mistake)\nfor conditions on pictures alone add --in images")
        } catch {
            throw ValidationError("--where: \(error)")
        }
        var texts = SearchOptions(collections.contains(.texts) ? .texts : .images)
        try lexicon.apply(&texts, index)
        options.lexicon = texts.lexicon
        options.lexiconUse = texts.lexiconUse
        return options
    }
}

extension Index {
    /// What a command is asked about: one text, of several bare words, or one picture.
    func subject(_ arguments: [String]) throws -> Query {
        var raw = RawArguments()
        return try query(QueryTerm.terms(of: arguments.map { raw.bytes(of: $0) }))
    }

    /// The rule of generality of this index's model; measured now, with progress, if it never was.
    func rule() throws -> ModelRule {
        let bar = ProgressBar(unit: "texts")
        defer { bar.finish() }
        let rule = try ModelRule.load(model(), cacheFolder: Environment.cacheFolder) { bar.show($0) }
        guard let rule else { preconditionFailure("a rule that may be measured is there") }
        return rule
    }
}
