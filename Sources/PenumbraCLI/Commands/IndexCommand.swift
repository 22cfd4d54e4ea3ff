// `penumbra index`: a folder of pictures becomes an index, or an index is brought up to date.
import ArgumentParser
import Engine
import Foundation
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
              penumbra index ~/Pictures --dry-run --exclude "thumbnails/"
              penumbra index ~/Pictures --precision bf16 --fast-decode
              penumbra index --texts captions.csv --text-column caption --picture-column file
            """)

    @Argument(
        help: ArgumentHelp(
            "The folder; further folders below its root only limit the scan. Default: the current one; with the --index "
                + "of an existing index, all of its root.", valueName: "folder"),
        completion: .directory)
    var folders: [String] = []

    @OptionGroup var location: IndexOption

    @Option(
        help: ArgumentHelp(
            "A registered name, a model folder, or penumbra-tiny, the built-in model and the default of a new index. "
                + "For an existing index: where its model lies now.", valueName: "model"),
        completion: .directory)
    var model: String?

    @OptionGroup var encoding: EncodingArguments

    @Option(
        help: ArgumentHelp("The root of an index that was moved away from its pictures.", valueName: "folder"),
        completion: .directory)
    var root: String?

    @Option(
        name: .customLong("exclude"),
        help: ArgumentHelp(
            "Leave out what matches, this time: \"*.tmp.jpg\" and \"thumbnails/\" match names, \"2019/**/small\" paths "
                + "below the root. Pictures of the index that match stay in it. Can be repeated.", valueName: "pattern")
    )
    var excludes: [String] = []

    @Flag(help: "Follow links to folders, and links that lead out of the root.")
    var followLinks = false

    @Flag(help: "Look into every file, whatever its name promises.")
    var allFiles = false

    @Flag(help: "Read files again that seem unchanged, and compare their content.")
    var rehash = false

    @OptionGroup var texts: TextsOption

    @Flag(help: "Try files again that failed before.")
    var retryFailed = false

    @Flag(
        help:
            "Remove pictures from folders that are empty, gone or on another device (by default: a disk may be missing)."
    )
    var deleteMissing = false

    @Flag(
        name: [.customLong("dry-run"), .customShort("n")], help: "Say what would be done, file by file; touch nothing.")
    var isDryRun = false

    @Option(help: ArgumentHelp("Workers that decode and encode. Default: one per core.", valueName: "n"))
    var jobs: Int?

    @Flag(name: .shortAndLong, help: "Say on stderr what is being done and how long it takes.")
    var verbose = false

    func validate() throws {
        if let jobs, jobs < 1 { throw ValidationError("--jobs needs a number of at least 1") }
        if let pattern = excludes.first(where: { $0.allSatisfy { $0 == "/" } }) {
            throw ValidationError("--exclude \"\(pattern)\" matches nothing")
        }
        if isDryRun, texts.file != nil { throw ValidationError("--dry-run looks at pictures, not at --texts") }
        if isDryRun, root != nil {
            throw ValidationError("--dry-run touches nothing: --root would change the index")
        }
    }

    func run() async throws {
        if isDryRun, model != nil, try existingIndex() != nil {
            throw ValidationError("--dry-run touches nothing: --model would change the index")
        }
        if isDryRun, try existingIndex() == nil { return try await rehearseNewIndex() }
        let (index, isNew) = try openOrCreate()
        if try await texts.update(index, jobs: jobs, retriesFailed: retryFailed, isAlone: folders.isEmpty),
            folders.isEmpty
        {
            return
        }
        if isNew, try !index.model().encodesTexts {
            Console.error("the model has no tokenizer.json: these pictures cannot be searched by words")
        }
        let isWhole = isNew || root != nil || (folders.isEmpty && location.index != nil)
        try await update(index, scanning: isWhole ? Array(folders.dropFirst()) : scanned(index), isNew: isNew)
    }

    /// What `--dry-run` says where there is no index: that of an empty one, which is taken away again.
    private func rehearseNewIndex() async throws {
        let temporary = TemporaryIndex()
        defer { temporary.remove() }
        let chosen = try newModel()
        let index = try Index.create(at: temporary.path, root: existingFolder(), model: chosen)
        try await update(index, scanning: Array(folders.dropFirst()), isNew: true)
    }

    /// The folders to scan in an existing index: the first stands for the root where others follow it.
    private func scanned(_ index: Index) -> [String] {
        guard let first = folders.first else { return ["."] }
        return folders.count > 1 && IndexLocation.absolute(first) == index.root ? Array(folders.dropFirst()) : folders
    }

    private func update(_ index: Index, scanning folders: [String], isNew: Bool) async throws {
        let style = PathStyle(root: index.root, current: Environment.currentFolder)
        let options = options(folders, style)
        let start = ContinuousClock.now
        let interruption = Interruption()
        let summary = try await interruption.run {
            let bar = ProgressBar(isShown: Environment.showsProgress && !options.isDryRun)
            defer { bar.finish() }
            return try await index.update(options) { bar.show($0) }
        }
        let report = SummaryReport(
            summary, style: style, elapsed: ContinuousClock.now - start, isNew: isNew, isDryRun: isDryRun)
        report.show(index)
        if let signal = interruption.signal { throw ExitCode(128 + signal) }
        if summary.failed > 0 { throw ExitCode(2) }
    }

    private func options(_ folders: [String], _ style: PathStyle) -> IndexingOptions {
        var options = IndexingOptions(jobs: jobs ?? Index.processorCount)
        options.folders = folders
        options.excludes = excludes
        options.followsLinks = followLinks
        options.takesAllFiles = allFiles
        options.rehashes = rehash
        options.retriesFailed = retryFailed
        options.deletesMissing = deleteMissing
        options.isDryRun = isDryRun
        if isDryRun { options.report = { Console.print($0.line(style)) } }
        options.logger = Logger(label: "penumbra") { _ in ConsoleLogHandler(logLevel: verbose ? .debug : .notice) }
        return options
    }

    /// The first folder that was named, or the current one.
    /// - Throws: `Failure` where it is none.
    private func existingFolder() throws -> String {
        let folder = folders.first ?? "."
        guard access(folder, F_OK) == 0 else { throw Failure("\(folder): \(String(cString: strerror(errno)))") }
        guard IndexLocation.isFolder(folder) else { throw Failure("\(folder): not a folder") }
        return folder
    }

    /// The index folder that serves the first folder, or nil.
    private func existingIndex() throws -> String? {
        let folder = try existingFolder()
        return location.folder(upwardFrom: folder).flatMap { IndexLocation.isIndexFolder($0) ? $0 : nil }
    }

    /// The index that serves the first folder; a new one where there is none.
    private func openOrCreate() throws -> (Index, isNew: Bool) {
        if let path = try existingIndex() {
            let index = try Index(at: path, registry: Environment.registry)
            try encoding.check(index)
            let chosen = try model.map { try Environment.registry.open($0, index.encoding) }
            guard chosen != nil || root != nil else { return (index, false) }
            try index.rebind(model: chosen, root: root)
            return (try Index(at: path, model: chosen, registry: Environment.registry), false)
        }
        let folder = try existingFolder()
        let target = location.index.map(IndexLocation.named) ?? "\(folder)/\(IndexLocation.folderName)"
        do {
            return (try Index.create(at: target, root: root ?? folder, model: newModel()), true)
        } catch let error where IndexLocation.isIndexFolder(target) {
            Console.note("penumbra: \(error); going on with it")  // another process was faster
            let index = try Index(at: target, registry: Environment.registry)
            try encoding.check(index)
            return (index, false)
        }
    }

    /// The model of a new index, encoding as was asked.
    private func newModel() throws -> Model {
        try Environment.registry.open(model ?? Model.builtinName, encoding.options())
    }
}

/// A place for an index that nobody is to find.
private struct TemporaryIndex {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("penumbra-\(UUID().uuidString)")
        .path
    var path: String { folder }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}

extension IndexingChange {
    /// One line of `--dry-run`: what would become of the file, and its path.
    fileprivate func line(_ style: PathStyle) -> String {
        func name(_ path: [UInt8]) -> String { path.isEmpty ? "the root" : Escaping.visible(style.relative(path)) }
        return switch self {
        case .added(let path): "added\t\(name(path))"
        case .changed(let path): "changed\t\(name(path))"
        case .renamed(let old, let path): "renamed\t\(name(path))\tfrom \(name(old))"
        case .copied(let original, let path): "copied\t\(name(path))\tof \(name(original))"
        case .removed(let path): "removed\t\(name(path))"
        case .failed(let path, let reason): "failed\t\(name(path))\t\(reason)"
        }
    }
}
