// `penumbra index`: a folder of pictures becomes an index, or an index is brought up to date.
import ArgumentParser
import Engine
import Glibc
import Logging
import Presentation

struct IndexCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Index the pictures of a folder, or bring its index up to date.",
        discussion: """
            Uses the nearest .penumbra/ at or above the folder, or creates one in it. Only new and changed files are \
            read. Files that fail are listed, remembered, and tried again when they change.

            EXAMPLES
              penumbra index ~/Pictures
              penumbra index ~/Pictures/2024                 only that folder of the index of ~/Pictures
              penumbra index ~/Pictures --model ~/models/ProLIP-ViT-B-16
              penumbra index /media/photos --index ~/photos.index
              penumbra index --texts captions.csv --text-column caption --picture-column file
            """)

    @Argument(
        help: "The folder. Default: the current one; with the --index of an existing index, all of its root.",
        completion: .directory)
    var folder: String?

    @OptionGroup var location: IndexOption

    @Option(
        help: ArgumentHelp(
            "A registered name, a model folder, or penumbra-tiny, the built-in model and the default of a new index. "
                + "For an existing index: where its model lies now.", valueName: "model"),
        completion: .directory)
    var model: String?

    @Option(
        help: ArgumentHelp("The root of an index that was moved away from its pictures.", valueName: "folder"),
        completion: .directory)
    var root: String?

    @Option(help: ArgumentHelp("Workers that decode and encode. Default: one per core.", valueName: "n"))
    var jobs: Int?

    @OptionGroup var texts: TextsOption

    @Flag(help: "Try files again that failed before.")
    var retryFailed = false

    @Flag(help: "Remove pictures from folders that are empty now (by default: a disk may be missing).")
    var deleteMissing = false

    @Flag(name: .shortAndLong, help: "Say on stderr what is being done and how long it takes.")
    var verbose = false

    func validate() throws {
        if let jobs, jobs < 1 { throw ValidationError("--jobs needs a number of at least 1") }
    }

    func run() async throws {
        let (index, isNew) = try openOrCreate(folder ?? ".")
        if try await texts.update(index, jobs: jobs, retriesFailed: retryFailed), folder == nil { return }
        if isNew, try !index.model().encodesTexts {
            Console.error("the model has no tokenizer.json: these pictures cannot be searched by words")
        }
        let isWhole = isNew || root != nil || (folder == nil && location.index != nil)
        let options = options(folder: isWhole ? nil : folder ?? ".")
        let start = ContinuousClock.now
        let interruption = Interruption()
        let summary = try await interruption.run {
            let bar = ProgressBar()
            defer { bar.finish() }
            return try await index.update(options) { bar.show($0) }
        }
        let style = PathStyle(root: index.root, current: Environment.currentFolder)
        SummaryReport(summary, style: style, elapsed: ContinuousClock.now - start, isNew: isNew).show(index)
        if let signal = interruption.signal { throw ExitCode(128 + signal) }
        if !summary.failures.isEmpty { throw ExitCode(2) }
    }

    private func options(folder: String?) -> IndexingOptions {
        var options = IndexingOptions(jobs: jobs ?? Index.processorCount)
        options.folder = folder
        options.retriesFailed = retryFailed
        options.deletesMissing = deleteMissing
        options.logger = Logger(label: "penumbra") { _ in ConsoleLogHandler(logLevel: verbose ? .debug : .notice) }
        return options
    }

    /// The index that serves the folder; a new one where there is none.
    private func openOrCreate(_ folder: String) throws -> (Index, isNew: Bool) {
        let chosen = try model.map { try Environment.registry.open($0) }
        guard access(folder, F_OK) == 0 else { throw Failure("\(folder): \(String(cString: strerror(errno)))") }
        guard IndexLocation.isFolder(folder) else { throw Failure("\(folder): not a folder") }
        let path = location.index.map(IndexLocation.named) ?? IndexLocation.find(upwardFrom: folder)
        if let path, IndexLocation.holdsCatalogue(path) {
            let index = try Index(at: path, model: chosen, registry: Environment.registry)
            guard chosen != nil || root != nil else { return (index, false) }
            try index.rebind(model: chosen, root: root)
            return (try Index(at: path, model: chosen, registry: Environment.registry), false)
        }
        let target = path ?? "\(folder)/\(IndexLocation.folderName)"
        do {
            return (try Index.create(at: target, root: root ?? folder, model: try chosen ?? Model.builtin()), true)
        } catch let error where IndexLocation.holdsCatalogue(target) {
            Console.note("penumbra: \(error); going on with it")  // another process was faster
            return (try Index(at: target, model: chosen, registry: Environment.registry), false)
        }
    }
}
