// A question before something is destroyed, and its answer.
import Glibc

/// Asks at the terminal.
enum Confirmation {
    /// Goes on when the answer is yes.
    /// - Parameters:
    ///   - question: what is about to be done, as a question.
    ///   - yes: the answer was given with the command.
    ///   - otherwise: what is said when the answer is no.
    /// - Throws: `Failure`: exit code 64 where there is no terminal to ask at, 2 when the answer is no.
    static func require(_ question: String, yes: Bool, otherwise: String = "nothing was removed") throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure("\(question) There is no terminal to ask at: say --yes", code: 64)
        }
        Console.raw("\(question) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard ["y", "yes"].contains(answer) else { throw Failure(otherwise) }
    }
}
