// `penumbra export`: the vectors of an index become a file that other programs, and `penumbra import`, read.
import ArgumentParser
import Engine
import Glibc
import Presentation

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the vectors of the index to a safetensors file, bit for bit.",
        discussion: """
            The file is as encode writes it: `mean` and `log_variance`, [N, D] F32, pictures first, each kind in order of \
            arrival, with names, kinds and the encoding in its metadata. Scanned pictures are named by their path below the \
            root. It appears whole, and is one consistent state of the index even while that is being written.

            EXAMPLES
              penumbra export everything.safetensors
              penumbra export pictures.safetensors --in images
              penumbra export captions.safetensors --source captions
            """)

    @Argument(help: "The file to write.", completion: .file(extensions: ["safetensors"]))
    var file: String

    @Option(help: ArgumentHelp("Only what came from the source of that name. Default: everything.", valueName: "name"))
    var source: String?

    @Option(
        name: .customLong("in"),
        help: ArgumentHelp("Only images, or only texts. import takes one kind at a time.", valueName: "kind"))
    var kind: Engine.Collection?

    @Flag(help: "Replace an existing file without asking.")
    var yes = false

    @OptionGroup var location: IndexOption

    func run() async throws {
        let index = try location.open()
        if access(file, F_OK) == 0 {
            try Confirmation.require(
                "\(Escaping.visible(Array(file.utf8))) exists: replace it?", yes: yes, otherwise: "nothing was written")
        }
        let interruption = Interruption()
        do {
            let summary = try await interruption.run {
                let bar = ProgressBar(unit: "rows")
                defer { bar.finish() }
                return try index.exportVectors(
                    to: file, source: source, in: kind.map { [$0] } ?? Engine.Collection.allCases
                ) { bar.show($0) }
            }
            let counts = [(summary.images, "picture"), (summary.texts, "text")].filter { $0.0 > 0 }
                .map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }
            Console.print(counts.isEmpty ? "nothing to export: the file has no rows" : counts.joined(separator: ", "))
        } catch let error as ExportError {
            throw Failure(Escaping.visible(Array("\(error)".utf8)))
        } catch is CancellationError {
            Console.note("interrupted: nothing was written")
        }
        if let signal = interruption.signal { throw ExitCode(128 + signal) }
    }
}
