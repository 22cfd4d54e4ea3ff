// This program run again in a process of its own: reading damaged files can kill it.
import ArgumentParser
import Foundation

/// A child that does the dangerous part of a command.
enum ChildProcess {
    /// How a child ended.
    enum End: Equatable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    /// Runs this program with other arguments, on the same streams, and waits.
    static func run(_ arguments: [String]) throws -> End {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = arguments
        try child.run()
        child.waitUntilExit()
        return child.terminationReason == .exit
            ? .exited(child.terminationStatus) : .killed(signal: child.terminationStatus)
    }

    /// The arguments of this command, with more.
    static func ownArguments(and more: String...) -> [String] { CommandLine.arguments.dropFirst() + more }
}
