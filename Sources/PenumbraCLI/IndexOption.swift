// `--index`, which every command takes that opens an index.
import ArgumentParser
import Engine

/// Where the index is.
struct IndexOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The index folder, or a folder that holds one. Default: the nearest .penumbra/ at or above here.",
            valueName: "path"),
        completion: .directory)
    var index: String?

    /// Opens the index that was named or is nearest.
    /// - Throws: `Failure` saying where was looked.
    func open() throws -> Index {
        let index = try locate()
        if index.isReadOnly { Console.error("the index folder cannot be written: reading it as it is") }
        return index
    }

    private func locate() throws -> Index {
        try Index(at: folder(), registry: Environment.registry, queryCache: Environment.queryCache)
    }

    /// The folder of the index that was named or is nearest, for those who do not open it.
    /// - Throws: `Failure` saying where was looked.
    func folder() throws -> String {
        guard let folder = folder(upwardFrom: ".") else {
            throw Failure("no index here or above; make one with: penumbra index FOLDER")
        }
        return folder
    }

    /// The folder that was named, whether there is an index in it or not, or the index nearest to a folder, or nil.
    func folder(upwardFrom folder: String) -> String? {
        index.map(IndexLocation.named) ?? IndexLocation.find(upwardFrom: folder)
    }
}
