// The command line: one file per subcommand under Commands/.
import ArgumentParser
import Engine
import Glibc

/// `penumbra`.
@main
struct PenumbraCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "penumbra",
        abstract: "Search that knows how sure it is: find pictures by words.",
        discussion: """
            EXAMPLES
              penumbra index ~/Pictures          index a folder, or update its index
              penumbra search a dog on a beach   find pictures, closest first
              penumbra status                    what the index holds

            The index lives in .penumbra/ in the folder that was indexed and is found from any folder below it. \
            Shell completions: penumbra --generate-completion-script bash|zsh|fish

            EXIT CODES
              0 done (searches: found)   1 searches: nothing found   2 a failure   64 usage   130, 143 interrupted
            """,
        version: "0.1.0",
        subcommands: [
            IndexCommand.self, SearchCommand.self, SimilarCommand.self, DescribeCommand.self,
            GeneralCommand.self, SpecificCommand.self, LadderCommand.self, RelateCommand.self, LsCommand.self,
            StatusCommand.self, EncodeCommand.self, ModelCommand.self, EvaluateCommand.self, VerifyCommand.self,
            RepairCommand.self, OptimizeCommand.self, BackupCommand.self, ForgetCommand.self, DoctorCommand.self,
            ImportCommand.self, ExportCommand.self,
        ])

    static func main() async {
        signal(SIGPIPE, SIG_IGN)  // a closed pipe is seen when writing, and is success
        signal(SIGXFSZ, SIG_IGN)  // so is a limit on file sizes, and is a full disk
        do {
            try chooseInstructionSet()
            let command = try parseAsRoot()
            try await run(command)
        } catch let failure as Failure {
            Console.error("\(failure)")
            _exit(failure.code)
        } catch let code as ExitCode {
            _exit(code.rawValue)
        } catch let error where exitCode(for: error) == .failure {
            Console.error("\(error)")
            _exit(2)
        } catch {
            exit(withError: error)  // help, version, usage
        }
    }

    /// Runs a command; wrong usage that only it could see ends in its own usage, not in that of the program.
    private static func run(_ command: any ParsableCommand) async throws {
        var command = command
        do {
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as ValidationError {
            Console.note("Error: \(error.message)\nUsage: \(usageString(for: type(of: command)))")
            throw ExitCode.validationFailure
        }
    }
}

/// PENUMBRA_SIMD decides which vector instructions are used: a mistake in it is a mistake in the call.
private func chooseInstructionSet() throws {
    guard let name = Environment.instructionSet else { return }
    do {
        try InstructionSet.use(name)
    } catch {
        throw Failure("PENUMBRA_SIMD: \(error)", code: 64)
    }
}

/// An error with an exit code of its own.
struct Failure: Error, CustomStringConvertible {
    let description: String
    let code: Int32

    /// Something failed: exit code 2, if nothing else is said.
    init(_ description: String, code: Int32 = 2) {
        self.description = description
        self.code = code
    }
}
