// Runs the built `penumbra` as a user does.
import Foundation
import Glibc

/// What a run of the program gave.
struct Output {
    let code: Int32
    let stdout: [UInt8]
    let stderr: String
    var text: String { String(decoding: stdout, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
    var errors: [String] { stderr.split(separator: "\n").map(String.init) }
}

/// The program beside the test bundle.
enum Program {
    static var path: String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("penumbra").path
    }

    /// Prepares a run that has not begun: the current folder, and variables beside PATH and HOME.
    static func process(
        _ arguments: [String], executable: String = path, in folder: String, environment: [String: String] = [:]
    ) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": folder, "PENUMBRA": path].merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        return process
    }

    /// Runs the program to its end; `input` is what stdin gives.
    static func run(
        _ arguments: [String], in folder: String, environment: [String: String] = [:], input: String? = nil
    ) throws -> Output {
        try finish(process(arguments, in: folder, environment: environment), input: input)
    }

    /// Runs a bash script to its end; the program is "$PENUMBRA".
    static func shell(_ script: String, in folder: String, environment: [String: String] = [:]) throws -> Output {
        try finish(process(["-c", script], executable: "/bin/bash", in: folder, environment: environment))
    }

    /// Starts a prepared run, collects what it writes, and waits.
    static func finish(_ process: Process, input: String? = nil) throws -> Output {
        let out = Pipe()
        let error = Pipe()
        process.standardOutput = out
        process.standardError = error
        let typed = Pipe()
        if input != nil { process.standardInput = typed }
        try process.run()
        if let input {
            // Short enough for the pipe, so that nobody waits.
            try typed.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try typed.fileHandleForWriting.close()
        }
        // stderr is short; stdout may fill its pipe, so it is read first.
        let stdout = out.fileHandleForReading.readDataToEndOfFile()
        let stderr = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let code = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        return Output(code: code, stdout: Array(stdout), stderr: String(decoding: stderr, as: UTF8.self))
    }
}
