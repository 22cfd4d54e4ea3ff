// `penumbra verify`: an index is checked from end to end, in a child process.
import ArgumentParser
import Engine
import Foundation
import Presentation

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check an index from end to end; exit code 2 names what is damaged.",
        discussion: """
            Catalogue and vectors are compared with each other, every checksum and every vector is checked. The check runs \
            in a process of its own, since a damaged file can kill its reader. Nothing is changed.

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

    func run() throws {
        if !inThisProcess { return try runInChild() }
        let index = try location.open()
        let report = try index.verify()
        for damage in report.damages { Console.print("damaged: \(damage)") }
        let style = PathStyle(root: index.root, current: Environment.currentFolder)
        let changed = files ? try index.verifyFiles() : []
        for notice in changed { Console.print("\(Escaping.visible(style.relative(notice.path))): \(notice.reason)") }
        guard report.damages.isEmpty, changed.isEmpty else { throw ExitCode(2) }
        let blocks = report.blocks == 1 ? "1 block" : "\(report.blocks) blocks"
        Console.print("sound: \(report.items) items in \(blocks)")
    }

    /// Runs the same command in a child, and says so if the child is killed.
    private func runInChild() throws {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = Array(CommandLine.arguments.dropFirst()) + ["--in-this-process"]
        try child.run()
        child.waitUntilExit()
        guard child.terminationReason == .exit else {
            throw Failure("damaged: reading the vectors killed the reader (signal \(child.terminationStatus))")
        }
        if child.terminationStatus != 0 { throw ExitCode(child.terminationStatus) }
    }
}
