// `penumbra verify`: an index is checked from end to end, in a child process.
import ArgumentParser
import Engine
import Presentation

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check an index from end to end; exit code 2 names what is damaged.",
        discussion: """
            Catalogue and vectors are compared with each other, every checksum and every vector is checked. The check runs \
            in a process of its own, since a damaged file can kill its reader. Nothing is changed. What an interrupted run \
            left beyond the catalogue is no damage; the next penumbra index removes it.

            EXAMPLES
              penumbra verify
              penumbra verify --files            also read every picture again and compare its content
              penumbra verify --index ~/photos.index
            """)

    @OptionGroup var location: IndexOption

    @Flag(help: "Also read every indexed file again and compare its content.")
    var files = false

    @Flag(help: .hidden)
    var inThisProcess = false

    /// What happened to whoever read the vectors through LMDB.
    @Option(help: .hidden)
    var withoutLMDBBecause: String?

    func run() throws {
        if !inThisProcess { return try Self.runInChild(ChildProcess.ownArguments(and: "--in-this-process")) }
        let index = try location.open()
        let report = try withoutLMDBBecause.map { try index.verifyWithoutLMDB(because: $0) } ?? index.verify()
        for damage in report.damages { Console.print("damaged: \(Escaping.visible(Array(damage.description.utf8)))") }
        if report.furtherDamages > 0 { Console.print("damaged: and \(report.furtherDamages) more") }
        for notice in report.notices { Console.error(Escaping.visible(Array(notice.utf8))) }
        var changed = 0
        if files {
            let style = PathStyle(root: index.root, current: Environment.currentFolder)
            try index.verifyFiles { notice in
                changed += 1
                Console.print("\(Escaping.visible(style.relative(notice.path))): \(notice.reason)")
            }
        }
        guard report.damages.isEmpty else {
            Console.error("penumbra repair saves what is sound")
            throw ExitCode(2)
        }
        guard changed == 0 else { throw ExitCode(2) }
        let blocks = report.blocks == 1 ? "1 block" : "\(report.blocks) blocks"
        Console.print("sound: \(report.items) items in \(blocks)")
    }

    /// Runs a verification in a child; where that is killed, another finds out what can still be told.
    /// - Throws: `ExitCode` unless the index is sound.
    static func runInChild(_ arguments: [String]) throws {
        switch try ChildProcess.run(arguments) {
        case .exited(0): return
        case .exited(let code): throw ExitCode(code)
        case .killed(let signal):
            let reason = "reading them killed the reader (signal \(signal))"
            _ = try ChildProcess.run(arguments + ["--without-lmdb-because", reason])
            throw ExitCode(2)
        }
    }
}
