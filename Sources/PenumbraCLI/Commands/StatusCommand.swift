// `penumbra status`: what an index holds.
import ArgumentParser
import Engine
import Presentation

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what the index holds.",
        discussion: """
            EXAMPLES
              penumbra status
              penumbra status --failed           every file that could not be indexed, with the reason
              penumbra status --index ~/photos.index
            """)

    @OptionGroup var location: IndexOption

    @Flag(help: "List the files that could not be indexed, with the reason.")
    var failed = false

    func run() throws {
        let status = try location.open().status()
        let style = PathStyle(root: status.root, current: Environment.currentFolder)
        if failed {
            for failure in status.failures {
                Console.print("\(Escaping.visible(style.relative(failure.path)))\t\(failure.reason)")
            }
            return
        }
        let rows = [
            ("index", Escaping.visible(Array(status.folder.utf8))), ("root", Escaping.visible(Array(status.root.utf8))),
            ("pictures", "\(status.images)"), ("texts", "\(status.texts)"),
            ("failed files", "\(status.failures.count)\(status.failures.isEmpty ? "" : " (--failed lists them)")"),
            ("model", "\(status.model), \(status.dimension) dimensions"), ("encoding", status.encodingID),
            ("generation", "\(status.generation)"), ("dead slots", "\(status.deadSlots)"),
            ("size", Self.size(status.bytes)),
        ]
        for row in rows { Console.row(row.0, row.1) }
    }

    /// "3.2 MB".
    private static func size(_ bytes: Int) -> String {
        bytes < 1_000_000 ? "\((bytes + 999) / 1_000) kB" : "\(Double(bytes / 100_000) / 10) MB"
    }
}
