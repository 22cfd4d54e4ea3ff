// `penumbra ls`: what an index holds, item by item.
import ArgumentParser
import Engine
import Presentation

struct LsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List what the index holds, by path, capture time or uncertainty.",
        discussion: """
            EXAMPLES
              penumbra ls --sort uncertainty --reverse -n 10    the ten vaguest pictures
              penumbra ls --sort taken --where "taken >= 2019"
              penumbra ls --in texts --where "caption has 'red dog'"
            """)

    @Option(name: .customLong("in"), help: "images (the default) or texts.")
    var target = Target.images

    @Option(help: ArgumentHelp("path (the default), taken or uncertainty.", valueName: "order"))
    var sort = SearchOrder.path

    @Flag(help: "The last first.")
    var reverse = false

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp("Only items that meet a condition; docs/where.md has the grammar.", valueName: "condition"))
    var condition: String?

    @Option(
        name: .customShort("n", allowingJoined: true),
        help: ArgumentHelp("How many. Default: all.", valueName: "count"))
    var n: Int?

    @Option(help: ArgumentHelp("How many to leave out first.", valueName: "count"))
    var offset = 0

    @OptionGroup var output: FormatOptions
    @OptionGroup var location: IndexOption

    func validate() throws {
        if let n, n < 1 { throw ValidationError("-n needs a number of at least 1") }
        guard offset >= 0 else { throw ValidationError("--offset needs a number of at least 0") }
        guard sort != .csd else {
            throw ValidationError("without a query nothing has a csd: path, taken or uncertainty")
        }
    }

    func run() throws {
        let filter: Filter?
        do {
            filter = try condition.map { try Filter($0, for: target.collection) }
        } catch {
            throw ValidationError("--where: \(error)")
        }
        let index = try location.open()
        let renderer = ListRenderer(
            output.null ? .paths : output.format ?? .table,
            PathStyle(root: index.root, current: Environment.currentFolder), isNullTerminated: output.null)
        var pending: [UInt8] = []
        var count = 0
        try index.list(
            target.collection, by: sort, isReversed: reverse, where: filter, offset: offset, limit: n
        ) { item in
            if count == 0 { pending += renderer.header(target.collection) }
            pending += renderer.line(item)
            count += 1
            if pending.count > 1 << 16 {
                Console.write(pending)
                pending = []
            }
        }
        Console.write(pending)
        guard count > 0 else {
            // An empty index is listed in full by nothing.
            let status = try index.status()
            let isEmpty = (target == .images ? status.images : status.texts) == 0
            Console.error(
                isEmpty
                    ? "the index holds no \(target == .images ? "pictures" : "texts")"
                    : offset > 0 ? "nothing to list behind --offset" : "no item meets --where")
            if isEmpty { return }
            throw ExitCode(1)
        }
    }
}
