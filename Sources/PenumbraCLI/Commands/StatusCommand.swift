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
              penumbra status --failed           what could not be indexed: reason, time, whether a retry can help
              penumbra status --format json | jq .images
              penumbra status --index ~/photos.index
            """)

    /// How the state is shown.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    @OptionGroup var location: IndexOption

    @Flag(help: "List what could not be indexed, with the reason, the time, and whether a retry can help.")
    var failed = false

    @Option(help: "table (the default) or json.")
    var format = Format.table

    func run() throws {
        let status = try location.open().status()
        let style = PathStyle(root: status.root, current: Environment.currentFolder)
        let report = StatusReport(status: status, style: style)
        switch (format, failed) {
        case (.json, _): Console.print(report.json(failed: failed))
        case (.table, true): for line in report.failedLines { Console.print(line) }
        case (.table, false): for row in report.rows { Console.row(row.0, row.1) }
        }
    }
}
