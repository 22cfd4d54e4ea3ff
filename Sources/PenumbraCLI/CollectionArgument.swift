// "images" or "texts" on the command line to a collection.
import ArgumentParser
import Engine

extension Engine.Collection: ExpressibleByArgument {
    /// Reads "images" or "texts".
    public init?(argument: String) {
        guard let collection = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self = collection
    }

    /// For help and completion.
    public static var allValueStrings: [String] { allCases.map { "\($0)" } }
}
