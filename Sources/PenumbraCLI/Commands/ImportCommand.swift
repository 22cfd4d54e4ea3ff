// `penumbra import`: vectors that were encoded elsewhere become items of an index.
import ArgumentParser
import Engine
import Presentation

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take in vectors that were encoded elsewhere, for example on a GPU.",
        discussion: """
            Takes what encode and export write: a safetensors file of `mean` and `log_variance`, [N, D] F32 or F16, with \
            `names`, `kinds` and `encoding_id` in its metadata. A name is the item's path or text. All rows are checked before \
            the first is stored; a row that is no Gaussian refuses the file and is named, counted from 1.

            Items belong to their source: folder scans never touch them. Importing again stores what is new or changed and \
            skips what is there, so an import that was interrupted goes on. Without an index here or above, one is made here.

            EXAMPLES
              penumbra import pictures.safetensors --as images
              penumbra import captions.safetensors --as texts --source captions
              penumbra import vectors.safetensors --as images --names names.txt --model prolip-b16

            Exit code 2 says that the file was refused.
            """)

    @Argument(help: "The file.", completion: .file(extensions: ["safetensors"]))
    var file: String

    @Option(name: .customLong("as"), help: ArgumentHelp("What the rows are: images or texts.", valueName: "kind"))
    var kind: Engine.Collection

    @Option(
        help: ArgumentHelp(
            "The model that encoded the rows: a registered name, a model folder, or penumbra-tiny. Needed where the file "
                + "does not say, and for a new index.", valueName: "model"),
        completion: .directory)
    var model: String?

    @Option(help: ArgumentHelp("Keeps these items from those of other imports.", valueName: "name"))
    var source = Index.importSource

    @Option(
        help: ArgumentHelp("A text file of N lines with the names, instead of the metadata.", valueName: "file"),
        completion: .file())
    var names: String?

    @OptionGroup var location: IndexOption

    func validate() throws {
        if source.isEmpty { throw ValidationError("--source needs a name") }
    }

    func run() async throws {
        let start = ContinuousClock.now
        let interruption = Interruption()
        do {
            let (index, summary) = try await interruption.run {
                let bar = ProgressBar(unit: "rows")
                defer { bar.finish() }
                return try await take { bar.show($0) }
            }
            report(summary, index, elapsed: ContinuousClock.now - start)
        } catch let refusal as ImportRefusal {
            throw Failure(Self.sentence(refusal))
        } catch is CancellationError {
            Console.note("interrupted: nothing was stored yet")
        }
        if let signal = interruption.signal { throw ExitCode(128 + signal) }
    }

    /// Imports into the index that was named or is nearest, or into a new one.
    private func take(
        progress: @Sendable (IndexingProgress) -> Void
    ) async throws -> (Index, ImportSummary) {
        let vectors = try VectorFile(path: file, names: names)
        let path = location.folder(upwardFrom: ".")
        func opened(_ options: EncodingOptions?) throws -> Model? {
            try self.model.map { try Environment.registry.open($0, options ?? EncodingOptions()) }
        }
        if let path, IndexLocation.isIndexFolder(path) {
            let index = try Index(at: path, registry: Environment.registry)
            let chosen = try opened(index.encoding)
            let summary = try await index.importVectors(
                vectors, as: kind, source: source, model: chosen, progress: progress)
            return (index, summary)
        }
        let chosen = try opened(vectors.encodingID.flatMap(EncodingOptions.init))
        let model = try chosen ?? Model.builtin()
        if chosen == nil, vectors.encodingID != model.encodingID {
            throw Failure("no index here or above: --model names the model of a new one, which encoded these vectors")
        }
        try vectors.check(
            encodingID: model.encodingID, fingerprint: model.fingerprint, dimension: model.dimension, model: model)
        let checked = try await vectors.checked(as: kind, progress: progress)
        let index = try Index.create(at: path ?? IndexLocation.folderName, root: ".", model: model)
        return (index, try await index.importVectors(checked, source: source, model: model, progress: progress))
    }

    private func report(_ summary: ImportSummary, _ index: Index, elapsed: Duration) {
        if summary.wasInterrupted { Console.print("interrupted: what was done is kept, the same command goes on") }
        Console.print(
            RunSummary.counts([
                (summary.added, "added"), (summary.changed, "changed"), (summary.unchanged, "unchanged"),
                (summary.repeated, "repeated"),
            ]))
        Console.print(RunSummary.closing(summary.total, kind == .images ? "picture" : "text", in: index, elapsed))
    }

    /// The refusal with the row's name, of which a long one is cut.
    private static func sentence(_ refusal: ImportRefusal) -> String {
        let path = Escaping.visible(Array(refusal.path.utf8))
        guard let row = refusal.row else { return "\(path): \(refusal.reason)" }
        let name = Escaping.visible(refusal.name)
        let shown = name.isEmpty ? "" : " (\(name.prefix(80))\(name.count > 80 ? "…" : ""))"
        return "\(path): row \(row)\(shown): \(refusal.reason)"
    }
}
