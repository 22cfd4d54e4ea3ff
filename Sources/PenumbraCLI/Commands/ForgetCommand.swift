// `penumbra forget`: the end of an index, of one source in it, or of the queries that were remembered.
import ArgumentParser
import Engine
import Presentation

struct ForgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Remove the index, the items of one source, or remembered queries; asks first.",
        discussion: """
            Pictures are never touched. Only the index's own files are removed: whatever else lies in its folder stays.

            EXAMPLES
              penumbra forget                        remove the index that serves this folder
              penumbra forget --source import        remove what was imported under that name
              penumbra forget --index ~/photos.index --yes
              penumbra forget --queries              remove what was asked from the cache, of all indexes
            """)

    @OptionGroup var location: IndexOption

    @Option(
        help: ArgumentHelp("Remove only the items of this source: an import's name, a text file's.", valueName: "name"))
    var source: String?

    @Flag(help: "Remove the queries that are remembered in the cache, of all indexes; the index stays.")
    var queries = false

    @Flag(help: "Do not ask.")
    var yes = false

    func validate() throws {
        if queries, source != nil || location.index != nil {
            throw ValidationError("--queries are those of all indexes: it goes with --yes alone")
        }
    }

    func run() throws {
        if queries { return try forgetQueries() }
        if let source { return try forget(source) }
        let folder = try location.folder()
        guard IndexLocation.isIndexFolder(folder) else { throw Failure("\(folder): no index here") }
        let shown = Escaping.visible(Array(folder.utf8))
        try Confirmation.require("Remove the index \(shown)\(Self.content(folder))?", yes: yes)
        let left = try Index.forget(at: folder)
        Console.print("removed the index \(shown)")
        if !left.isEmpty {
            let names = left.map { Escaping.visible(Array($0.utf8)) }.joined(separator: ", ")
            Console.error("left in \(shown), since they are no files of an index: \(names)")
        }
    }

    /// " of 240 pictures and 3 texts", if it can be told.
    private static func content(_ folder: String) -> String {
        guard let status = try? Index(at: folder, registry: Environment.registry).status() else { return "" }
        return " of \(status.images) pictures and \(status.texts) texts"
    }

    private func forgetQueries() throws {
        let cache = QueryCache(folder: Environment.cacheFolder)
        let count = cache.content().queries
        let noun = count == 1 ? "query" : "queries"
        try Confirmation.require("Remove \(count) remembered \(noun)?", yes: yes)
        Console.print("removed \(try cache.removeAll()) remembered \(noun)")
    }

    private func forget(_ source: String) throws {
        let index = try location.open()
        let known = try index.removableSources()
        guard let items = known[source] else {
            throw StorageError.unknownSource(source, known: known.keys.sorted())
        }
        let shown = Escaping.visible(Array(source.utf8))
        try Confirmation.require("Remove \(items) items from \(shown)?", yes: yes)
        Console.print("removed \(try index.forget(source: source)) items from \(shown)")
    }
}
