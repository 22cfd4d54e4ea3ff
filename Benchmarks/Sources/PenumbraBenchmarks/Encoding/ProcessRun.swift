// A command line to what running it took: time from start to end, and the most memory.
import Foundation
import Glibc

/// One run of a program.
struct ProcessRun {
    let seconds: Double
    /// Seconds of all its threads.
    let processorSeconds: Double
    /// The largest resident set, in bytes.
    let peakMemory: Int

    /// Runs a program to its end, its output thrown away.
    /// - Throws: `ProcessFailure` when it cannot be started or ends with anything but 0.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = variables.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var child: pid_t = 0
        let start = ContinuousClock.now
        guard posix_spawn(&child, arguments[0], &actions, nil, &argv, &envp) == 0 else {
            throw ProcessFailure(arguments: arguments, code: -1)
        }
        var status: Int32 = 0
        var usage = rusage()
        while wait4(child, &status, 0, &usage) < 0, errno == EINTR {}
        seconds = Measurement.seconds(ContinuousClock.now - start)
        guard status == 0 else { throw ProcessFailure(arguments: arguments, code: status) }
        processorSeconds = [usage.ru_utime, usage.ru_stime].reduce(0) {
            $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6
        }
        peakMemory = usage.ru_maxrss * 1_024
    }
}

/// A program that did not do what it was run for.
struct ProcessFailure: Error, CustomStringConvertible {
    let arguments: [String]
    let code: Int32
    var description: String { "\(arguments.joined(separator: " ")): ended with status \(code)" }
}
