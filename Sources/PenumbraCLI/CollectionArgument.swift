// "images" or "texts" on the command line to a collection.
import ArgumentParser
import Engine

extension Engine.Collection: ExpressibleByArgument {
    public init?(argument: String) {
        guard let collection = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self = collection
    }

    public static var allValueStrings: [String] { allCases.map { "\($0)" } }
}
