// `penumbra optimize`: the space of what is gone is given back.
import ArgumentParser
import Engine

struct OptimizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "optimize",
        abstract: "Rewrite the vectors without those of items that are gone.",
        discussion: """
            Needs as much free space as the vectors take. Searches go on meanwhile; interrupted or killed, the index is as \
            it was. penumbra status tells how many slots are dead.

            EXAMPLES
              penumbra optimize
              penumbra optimize --index ~/photos.index
            """)

    @OptionGroup var location: IndexOption

    func run() async throws {
        let index = try location.open()
        let interruption = Interruption("stopping, the index stays as it was")
        let report: OptimizationReport
        do {
            report = try await interruption.run {
                let bar = ProgressBar(unit: "blocks")
                defer { bar.finish() }
                return try index.optimize { bar.show($0) }
            }
        } catch is CancellationError {
            throw ExitCode(128 + (interruption.signal ?? 2))
        }
        guard report.wasNeeded else {
            return Console.print(
                report.madeCodes
                    ? "no dead slots; what searches read first was missing and has been made"
                    : "nothing to do: no dead slots")
        }
        let (before, after) = (ByteCount.text(report.bytesBefore), ByteCount.text(report.bytesAfter))
        let slots = report.deadSlots == 1 ? "1 dead slot" : "\(report.deadSlots) dead slots"
        Console.print("removed \(slots): \(before) of vectors before, \(after) now")
        if report.isOldStillRead {
            Console.error("the old vectors are still being read; the next penumbra index removes them")
        }
        if let signal = interruption.signal { throw ExitCode(128 + signal) }
    }
}
