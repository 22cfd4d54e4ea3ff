// `penumbra doctor`: the machine, the libraries and the index, for whoever wants help or gives it.
import ArgumentParser
import Engine
import Presentation

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show versions, the machine's abilities and the index's health; exit code 2 if something is wrong.",
        discussion: """
            EXAMPLES
              penumbra doctor
              penumbra doctor --index ~/photos.index
            """)

    @OptionGroup var location: IndexOption

    @Flag(help: .hidden)
    var inThisProcess = false

    func run() throws {
        if !inThisProcess { return try runInChild() }
        Console.row("penumbra", PenumbraCommand.configuration.version)
        var diagnosis = Diagnosis()
        diagnosis.look(at: Environment.queryCache)
        if let folder = try? location.folder() {
            let absolute = IndexLocation.absolute(folder) ?? folder
            diagnosis.look(at: absolute)
            do {
                diagnosis.look(into: try Index(at: absolute, registry: Environment.registry))
            } catch {
                diagnosis.add(problem: "\(error)")
            }
        }
        for fact in diagnosis.facts { Console.row(fact.name, Escaping.visible(Array(fact.value.utf8))) }
        for advice in diagnosis.advice { Console.print("advice: \(Escaping.visible(Array(advice.utf8)))") }
        for problem in diagnosis.problems { Console.print("problem: \(Escaping.visible(Array(problem.utf8)))") }
        if !diagnosis.problems.isEmpty { throw ExitCode(2) }
    }

    private func runInChild() throws {
        switch try ChildProcess.run(ChildProcess.ownArguments(and: "--in-this-process")) {
        case .exited(0): return
        case .exited(let code): throw ExitCode(code)
        case .killed(let signal):
            Console.print(
                "problem: damaged: reading the vectors killed the reader (signal \(signal)); "
                    + "penumbra verify says more, penumbra repair saves what is sound")
            throw ExitCode(2)
        }
    }
}
