// What the commands of generality share: where they look, what they are asked about, and by which rule.
import ArgumentParser
import Engine

extension ListingOrder: ExpressibleByArgument {}

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
        return try ModelRule.load(model(), cacheFolder: Environment.cacheFolder) { bar.show($0) }
    }
}
