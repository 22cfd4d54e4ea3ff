// A folder that never rests and a process that is killed: is everything that was acknowledged still there?
import Foundation
import Glibc

/// `torture [ROUNDS] [SEED]`: each round starts a child that changes a folder, indexes and optimises it, and says what is
/// done; kills it at a random moment; opens the index, verifies it and compares it with what the child had said.
@main
struct Torture {
    static func main() async throws {
        var arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "child" {
            arguments = arguments.dropFirst()
            guard let folder = arguments.popFirst(), let seed = arguments.popFirst().flatMap(UInt64.init) else {
                exit(64)
            }
            var victim = Victim(folder: folder, seed: seed)
            try await victim.run()
        } else {
            let rounds = arguments.popFirst().flatMap(Int.init) ?? 60
            let seed = arguments.popFirst().flatMap(UInt64.init) ?? UInt64.random(in: 0..<1_000_000)
            var hunter = try Hunter(rounds: rounds, seed: seed)
            try await hunter.run()
        }
    }
}

/// What parent and child agree on: where things lie, and what the journal says.
struct Ground {
    let folder: String
    /// The pictures that change.
    var root: String { "\(folder)/root" }
    var index: String { "\(folder)/root/.penumbra" }
    /// Lines the child has written: `will NAME ...` before it changes files, `done NAME HASH ...` when the index has all.
    var journal: String { "\(folder)/journal" }
    /// One shared byte: the phase of the commit the child is in.
    var phase: String { "\(folder)/phase" }

    /// Contents to choose from: small pictures of the fixtures.
    static func bases() throws -> [[UInt8]] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/images/src")
        return try ["jpg_tiny_20x15.jpg", "jpg_exif1_96x64.jpg", "jpg_gray_150x211.jpg", "jpg_cmyk_120x90.jpg"].map {
            Array(try Data(contentsOf: folder.appendingPathComponent($0)))
        }
    }

    /// The byte that parent and child share.
    func sharedPhase() throws -> UnsafeMutablePointer<UInt8> {
        let descriptor = open(phase, O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0, ftruncate(descriptor, 4_096) == 0 else { throw TortureError("no phase file") }
        defer { close(descriptor) }
        let map = mmap(nil, 4_096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let map, map != MAP_FAILED else { throw TortureError("no phase map") }
        return map.assumingMemoryBound(to: UInt8.self)
    }
}

/// Something is not as it must be.
struct TortureError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
