// The program run as a user whom permissions stop: tests run as root, who reads everything.
import Foundation
import Glibc
import TestSupport
import Testing

/// A copy of the program in a folder that every user can reach, and the way to run it as nobody.
struct Nobody {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: Program.path, toPath: folder.file("penumbra"))
        #expect(chmod(folder.path, 0o755) == 0 && chmod(folder.file("penumbra"), 0o755) == 0)
    }

    /// Runs a bash script, in which "$PENUMBRA" is the copy; root becomes user 65534 for it.
    func shell(_ script: String, in path: String) throws -> Output {
        let user = "setpriv --reuid=65534 --regid=65534 --clear-groups "
        let command = "\(geteuid() == 0 ? user : "")bash -c '\(script)'"
        return try Program.shell(command, in: path, environment: ["PENUMBRA": folder.file("penumbra")])
    }

    /// Gives a folder and all in it to the user.
    func own(_ path: String) throws {
        if geteuid() == 0 { #expect(try Program.shell("chown -R 65534:65534 .", in: path).code == 0) }
    }
}
