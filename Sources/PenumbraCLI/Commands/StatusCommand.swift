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
              penumbra status --check            also compare the folder with the index, without reading a picture
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

    @Flag(help: "Also walk the folder and say what an index run would look at.")
    var check = false

    @Option(
        name: .customLong("exclude"),
        help: ArgumentHelp("With --check: leave out what matches, as for index.", valueName: "pattern"))
    var excludes: [String] = []

    @Flag(help: "With --check: follow links, as for index.")
    var followLinks = false

    @Flag(help: "With --check: look into every file, as for index.")
    var allFiles = false

    @Option(help: "table (the default) or json.")
    var format = Format.table

    /// What an index run with the same options would look for.
    private var scan: IndexingOptions {
        var options = IndexingOptions()
        options.excludes = excludes
        options.followsLinks = followLinks
        options.takesAllFiles = allFiles
        return options
    }

    func run() throws {
        let index = try location.open()
        let status = try index.status()
        let style = PathStyle(root: status.root, current: Environment.currentFolder)
        let staleness = check ? try index.staleness(scan) : nil
        for notice in staleness?.notices ?? [] {
            let name = notice.path.isEmpty ? "the root" : Escaping.visible(style.relative(notice.path))
            Console.error("\(name): \(notice.reason)")
        }
        let renderer = StatusRenderer(status, style, staleness: staleness)
        switch (format, failed) {
        case (.json, _): Console.write(renderer.json(failed: failed))
        case (.table, true): for line in renderer.failedLines { Console.print(line) }
        case (.table, false): for row in renderer.rows { Console.row(row.0, row.1) }
        }
    }
}
