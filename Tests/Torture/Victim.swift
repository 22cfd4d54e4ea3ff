// A seed to a life of changes, index runs and optimisations, until somebody kills it.
import Crypto
import Engine
import Foundation
import Glibc
import Storage
import TestSupport

/// The child: changes pictures, indexes them, says what is done, for ever.
struct Victim {
    let ground: Ground
    var generator: SeededGenerator
    private var hashes: [String: String] = [:]

    init(folder: String, seed: UInt64) {
        ground = Ground(folder: folder)
        generator = SeededGenerator(seed: seed)
    }

    mutating func run() async throws {
        let bases = try Ground.bases()
        let phase = try ground.sharedPhase()
        let index = try Index(at: ground.index)
        nonisolated(unsafe) let shared = phase
        index.store.observePhases { shared.pointee = $0.rawValue }
        for name in try FileManager.default.contentsOfDirectory(atPath: ground.root) where name.hasSuffix(".jpg") {
            hashes[name] = try Self.hash(of: "\(ground.root)/\(name)")
        }
        while true {
            try change(bases)
            _ = try await index.update(IndexingOptions(jobs: 1))
            try say("done " + hashes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: " "))
            if Int.random(in: 0..<4, using: &generator) == 0 {
                _ = try index.optimize()
                try say("optimised")
            }
        }
    }

    /// Writes, copies, renames and deletes a few files.
    private mutating func change(_ bases: [[UInt8]]) throws {
        let count = Int.random(in: 1...24, using: &generator)
        let names = (0..<count).map { _ in "\(Int.random(in: 0..<400, using: &generator)).jpg" }
        try say("will " + names.joined(separator: " "))
        for (position, name) in names.enumerated() {
            let path = "\(ground.root)/\(name)"
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<5:
                let base = Int.random(in: 0..<bases.count, using: &generator)
                let content = bases[base] + withUnsafeBytes(of: generator.next()) { Array($0) }
                try write(Data(content), path)
                hashes[name] = Self.hash(content)
            case 5..<7:
                try? FileManager.default.removeItem(atPath: path)
                hashes[name] = nil
            case 7..<9 where position > 0 && hashes[names[position - 1]] != nil && names[position - 1] != name:
                guard rename("\(ground.root)/\(names[position - 1])", path) == 0 else { continue }
                hashes[name] = hashes.removeValue(forKey: names[position - 1])
            default:
                guard position > 0, let hash = hashes[names[position - 1]], names[position - 1] != name else {
                    continue
                }
                let content = try Data(contentsOf: URL(fileURLWithPath: "\(ground.root)/\(names[position - 1])"))
                try write(content, path)
                hashes[name] = hash
            }
        }
    }

    /// Puts a file in place whole, however early the end comes.
    private func write(_ content: Data, _ path: String) throws {
        let hidden = "\(ground.root)/.next"
        try content.write(to: URL(fileURLWithPath: hidden))
        guard rename(hidden, path) == 0 else { throw TortureError("\(path) cannot be written") }
    }

    /// Appends a line to the journal: in one write, which a kill cannot divide.
    private func say(_ line: String) throws {
        let descriptor = open(ground.journal, O_WRONLY | O_APPEND | O_CREAT, 0o600)
        defer { close(descriptor) }
        let bytes = Array((line + "\n").utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw TortureError("the journal is full")
        }
    }

    static func hash(_ content: [UInt8]) -> String {
        SHA256.hash(data: content).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    static func hash(of path: String) throws -> String {
        hash(Array(try Data(contentsOf: URL(fileURLWithPath: path))))
    }
}
