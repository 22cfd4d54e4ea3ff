// `penumbra backup`: a consistent copy of an index, even while it is being written.
import ArgumentParser
import Engine
import Presentation

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the index as it is now, even while it is being written.",
        discussion: """
            The copy is an index of its own that knows where the pictures are. It appears whole or not at all. Pictures \
            are not copied.

            EXAMPLES
              penumbra backup ~/backups/photos-2024-06.index
              penumbra search sunset --index ~/backups/photos-2024-06.index
            """)

    @Argument(help: "The index folder to be; nothing may be there.", completion: .directory)
    var destination: String

    @OptionGroup var location: IndexOption

    func run() async throws {
        let index = try location.open()
        let interruption = Interruption("stopping, nothing is left of the copy")
        let destination = destination
        let report: BackupReport
        do {
            report = try await interruption.run {
                let bar = ProgressBar(unit: "blocks")
                defer { bar.finish() }
                return try index.backup(to: destination) { bar.show($0) }
            }
        } catch is CancellationError {
            throw ExitCode(128 + (interruption.signal ?? 2))
        }
        let place = Escaping.visible(Array(destination.utf8))
        Console.print(
            "\(report.items) items of generation \(report.generation) in \(place), \(ByteCount.text(report.bytes))")
        if let signal = interruption.signal { throw ExitCode(128 + signal) }
    }
}
