// This program run again in a process of its own: reading damaged files can kill it.
import ArgumentParser
import Foundation
import Glibc
import Synchronization

/// The child that is waited for; a signal handler passes on what came.
private let current = Atomic<Int32>(0)

/// A child that does the dangerous part of a command.
enum ChildProcess {
    /// How a child ended.
    enum End: Equatable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    /// Runs this program with other arguments, on the same streams, and waits; SIGINT and SIGTERM end both.
    static func run(_ arguments: [String]) throws -> End {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = arguments
        current.store(0, ordering: .releasing)
        for number in [SIGINT, SIGTERM] {
            Glibc.signal(number) { number in
                let child = current.load(ordering: .acquiring)
                if child > 0 { kill(child, number) }
                _exit(128 + number)
            }
        }
        try child.run()
        current.store(child.processIdentifier, ordering: .releasing)
        child.waitUntilExit()
        for number in [SIGINT, SIGTERM] { Glibc.signal(number, SIG_DFL) }
        return child.terminationReason == .exit
            ? .exited(child.terminationStatus) : .killed(signal: child.terminationStatus)
    }

    /// The arguments of this command, with more.
    static func ownArguments(and more: String...) -> [String] { CommandLine.arguments.dropFirst() + more }
}
