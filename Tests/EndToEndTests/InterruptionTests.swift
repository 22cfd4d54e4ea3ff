// Locks, signals and kills to an index that is whole, and a next run that completes.
import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.serialized) struct InterruptionTests {
    /// Pictures enough to be in the middle of, each of its own content: bytes after the end marker.
    func many(_ count: Int) throws -> Gallery {
        let gallery = try Gallery(0)
        let content = try (0..<8).map(Gallery.content)
        for number in 0..<count {
            let tail = [UInt8(number & 0xFF), UInt8(number >> 8)]
            try gallery.folder.write("\(number).jpg", content[number % 8] + tail)
        }
        return gallery
    }

    /// Processor time a process has used, in hundredths of a second.
    func ticks(_ process: Int32) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
    }

    /// Starts an index run and waits until it encodes: however busy the machine is, it has the lock and has worked.
    func start(_ gallery: Gallery) throws -> (Process, Pipe, Pipe) {
        let process = Program.process(["index", "--jobs", "1"], in: gallery.path)
        let (out, error) = (Pipe(), Pipe())
        process.standardOutput = out
        process.standardError = error
        try process.run()
        let deadline = Date(timeIntervalSinceNow: 20)
        while !FileManager.default.fileExists(atPath: gallery.folder.file(".penumbra/writer.lock")) {
            try #require(process.isRunning && Date.now < deadline)
            usleep(2_000)
        }
        while ticks(process.processIdentifier) < 50, process.isRunning, Date.now < deadline { usleep(2_000) }
        return (process, out, error)
    }

    func added(_ text: String) -> Int {
        text.firstMatch(of: #/(\d+) added/#).flatMap { Int($0.1) } ?? 0
    }

    @Test func aBusyIndexNamesItsWriter() throws {
        let gallery = try Gallery.indexed(1)
        let descriptor = open(gallery.folder.file(".penumbra/writer.lock"), O_RDWR | O_CLOEXEC)
        defer { close(descriptor) }
        #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        #expect(ftruncate(descriptor, 0) == 0 && pwrite(descriptor, "4711\n", 5, 0) == 5)
        try gallery.folder.write("new.jpg", Gallery.content(7))
        let output = try gallery.run("index")
        #expect(output.code == 2 && output.stdout.isEmpty)
        #expect(output.stderr == "penumbra: the index is busy, process 4711 is writing to it\n")
        #expect(try gallery.run("search", "x", "--format", "paths").lines == ["p0.jpg"], "readers do not wait")
        #expect(flock(descriptor, LOCK_UN) == 0)
        #expect(try gallery.run("index").lines.first == "1 added, 1 unchanged")
    }

    @Test(arguments: [SIGINT, SIGTERM]) func aSignalFinishesTheBatch(_ signal: Int32) throws {
        let count = 1_500
        let gallery = try many(count)
        let (process, out, error) = try start(gallery)
        kill(process.processIdentifier, signal)
        let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errors = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 128 + signal)
        #expect(errors == "penumbra: finishing the batch; once more to stop at once\n")
        #expect(text.hasPrefix("interrupted: what was done is kept, the same command goes on\n"))
        let kept = added(text)
        #expect(kept > 0 && kept < count, "\(text)")
        #expect(try gallery.run("status").lines.contains("pictures      \(kept)"))
        #expect(try gallery.run("search", "x", "-n", "2000", "--format", "paths").lines.count == kept)
        // The rest would only take time: what is left is made small before the next run completes.
        for number in 0..<count where number % 50 != 0 { unlink(gallery.folder.file("\(number).jpg")) }
        let next = try gallery.run("index")
        #expect(next.code == 0 && next.lines.last?.hasPrefix("\(count / 50) pictures in ") == true, "\(next.text)")
    }

    @Test func aSecondSignalEndsTheRunAtOnce() throws {
        let gallery = try many(400)
        let (process, _, _) = try start(gallery)
        kill(process.processIdentifier, SIGINT)
        usleep(1_000)
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect([128 + SIGINT, 128 + SIGTERM].contains(process.terminationStatus))
        #expect(try gallery.run("status").code == 0)
    }

    @Test func aKilledRunLeavesAnIndexThatReads() throws {
        let gallery = try many(1_500)
        let (process, _, _) = try start(gallery)
        usleep(300_000)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal)
        let search = try gallery.run("search", "a dog", "-n", "2000", "--format", "paths")
        #expect(search.code == (search.lines.isEmpty ? 1 : 0), "\(search.stderr)")
        #expect(try gallery.run("status").lines.contains("pictures      \(search.lines.count)"))
        for number in 0..<1_500 where number % 50 != 0 { unlink(gallery.folder.file("\(number).jpg")) }
        let next = try gallery.run("index")
        #expect(next.code == 0 && next.lines.last?.hasPrefix("30 pictures in ") == true, "\(next.text)")
        #expect(try gallery.run("search", "a dog", "-n", "2000", "--format", "paths").lines.count == 30)
    }

    /// Killed after a commit: what was committed is there.
    @Test func whatWasCommittedSurvivesAKill() throws {
        let gallery = try Gallery.indexed(4)
        for number in 0..<600 {
            try gallery.folder.write(
                "n\(number).jpg", Gallery.content(number % 8) + [1, UInt8(number & 0xFF), UInt8(number >> 8)])
        }
        let (process, _, _) = try start(gallery)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let found = try gallery.run("search", "x", "-n", "2000", "--format", "paths").lines
        #expect(found.count >= 4 && Set(found).isSuperset(of: (0..<4).map { "p\($0).jpg" }))
    }
}
