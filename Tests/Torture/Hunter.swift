// Rounds of killing to a verdict: the number of kills inside a commit, and whether anything acknowledged was lost.
import Encoders
import Engine
import Foundation
import Gaussians
import Glibc
import Storage
import TestSupport

/// The parent.
struct Hunter {
    let rounds: Int
    let seed: UInt64
    private let ground: Ground
    private let folder: TemporaryFolder
    private var generator: SeededGenerator
    private var optimisations = 0

    init(rounds: Int, seed: UInt64) throws {
        self.rounds = rounds
        self.seed = seed
        folder = try TemporaryFolder()
        ground = Ground(folder: folder.path)
        generator = SeededGenerator(seed: seed)
    }

    mutating func run() async throws {
        try FileManager.default.createDirectory(atPath: ground.root, withIntermediateDirectories: true)
        let model = try Model.builtin()
        _ = try Index.create(at: ground.index, root: ground.root, model: model)
        var expected: [Gaussian] = []
        for base in try Ground.bases() {
            try folder.write("base.jpg", base)
            expected.append(try model.encode(pictureAt: folder.file("base.jpg")))
        }
        let phase = try ground.sharedPhase()
        var inside = 0
        for round in 1...rounds {
            phase.pointee = 0
            try killOne(phase)
            if phase.pointee != 0 { inside += 1 }
            do {
                try await judge(expected)
            } catch {
                throw TortureError("round \(round) of seed \(seed), phase \(phase.pointee): \(error)")
            }
        }
        print(
            "\(rounds) rounds, seed \(seed): \(inside) kills between the first write of vectors and the end of the commit, "
        )
        print("\(optimisations) optimisations acknowledged; every acknowledged item was there, every index verified")
    }

    /// Starts a child and kills it: at any moment, or soon after some commit has begun.
    private mutating func killOne(_ phase: UnsafeMutablePointer<UInt8>) throws {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = ["child", ground.folder, "\(generator.next() >> 1)"]
        try child.run()
        let start = ContinuousClock.now
        let delay = Duration.microseconds(Int.random(in: 0..<700_000, using: &generator))
        let waitsForCommit = Int.random(in: 0..<3, using: &generator) > 0
        while child.isRunning, ContinuousClock.now - start < delay { usleep(200) }
        if waitsForCommit {
            // One commit is timed, and the next one is cut somewhere.
            wait(phase, child) { $0 != 0 }
            let began = ContinuousClock.now
            wait(phase, child) { $0 == 0 }
            let length = ContinuousClock.now - began
            wait(phase, child) { $0 != 0 }
            let moment = ContinuousClock.now + length * Double.random(in: 0..<1, using: &generator)
            while ContinuousClock.now < moment {}
        }
        guard child.isRunning else { throw TortureError("the child ended by itself: \(child.terminationStatus)") }
        kill(child.processIdentifier, SIGKILL)
        child.waitUntilExit()
    }

    /// Spins until the child's phase is as it should be, or there is no child.
    private func wait(
        _ phase: UnsafeMutablePointer<UInt8>, _ child: Process, _ condition: (UInt8) -> Bool
    ) {
        let deadline = ContinuousClock.now + .seconds(20)
        while !condition(phase.pointee), child.isRunning, ContinuousClock.now < deadline { sched_yield() }
    }

    // MARK: Judging

    /// What the journal says: names and hashes that were acknowledged last, and names that were touched since.
    private func acknowledged() throws -> (hashes: [String: String], touched: Set<String>, optimisations: Int) {
        let text = (try? String(contentsOfFile: ground.journal, encoding: .utf8)) ?? ""
        var hashes: [String: String] = [:]
        var touched: Set<String> = []
        var optimisations = 0
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            switch words[0] {
            case "will": touched.formUnion(words.dropFirst())
            case "done":
                hashes = [:]
                for at in stride(from: 1, to: words.count, by: 2) { hashes[words[at]] = words[at + 1] }
                touched = []
            default: optimisations += 1
            }
        }
        return (hashes, touched, optimisations)
    }

    private mutating func judge(_ expected: [Gaussian]) async throws {
        let (hashes, touched, optimisations) = try acknowledged()
        self.optimisations = optimisations
        let index = try Index(at: ground.index)
        try check(index, expected)
        let stored = try content(index)
        for name in Set(hashes.keys).union(stored.keys) where !touched.contains(name) && stored[name] != hashes[name] {
            throw TortureError("\(name) was acknowledged as \(hashes[name] ?? "gone"), is \(stored[name] ?? "gone")")
        }
        // The next run completes what was begun: the index is the folder.
        var options = IndexingOptions(jobs: 2)
        options.deletesMissing = true
        _ = try await index.update(options)
        try check(index, expected)
        var files: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: ground.root) where name.hasSuffix(".jpg") {
            files[name] = try Victim.hash(of: "\(ground.root)/\(name)")
        }
        // A file that was cut while the child wrote it is no picture, and said to be none.
        for failure in try index.status().failures { files[String(decoding: failure.path, as: UTF8.self)] = nil }
        let completed = try content(index)
        for name in Set(files.keys).union(completed.keys) where files[name] != completed[name] {
            throw TortureError(
                "\(name) is \(completed[name] ?? "not") in the index, \(files[name] ?? "not") in the folder")
        }
        try record(files)
    }

    /// The journal begins anew with what the parent's own run has stored.
    private func record(_ files: [String: String]) throws {
        let line = "done " + files.map { "\($0.key) \($0.value)" }.joined(separator: " ") + "\n"
        let past = String(repeating: "optimised\n", count: optimisations)
        try Data((line + past).utf8).write(to: URL(fileURLWithPath: ground.journal), options: .atomic)
    }

    /// Verifies the index, and compares every stored Gaussian with those the pictures have.
    private func check(_ index: Index, _ expected: [Gaussian]) throws {
        let report = try index.verify()
        guard report.damages.isEmpty else {
            throw TortureError(report.damages.prefix(5).map(\.description).joined(separator: "; "))
        }
        let strangers = try index.store.read { snapshot in
            var strangers = 0
            try Catalogue.forEachItem(.images, .scan, snapshot.database) { item in
                let gaussian = try snapshot.gaussian(.images, at: item.placement)
                // The matrix products of other batch sizes may differ in the last digits.
                let isKnown = expected.contains { $0.squaredMeanDistance(to: gaussian) < 1e-8 }
                if !isKnown { strangers += 1 }
            }
            return strangers
        }
        guard strangers == 0 else { throw TortureError("\(strangers) Gaussians are of no picture") }
    }

    private func content(_ index: Index) throws -> [String: String] {
        try index.store.readCatalogue { database in
            var content: [String: String] = [:]
            try Catalogue.forEachItem(.images, .scan, database) { item in
                let hash = item.file?.hash ?? []
                content[String(decoding: item.name, as: UTF8.self)] = hash.map {
                    String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
                }.joined()
            }
            return content
        }
    }
}
