// Searches while an index is written: they never fail, and never see half a batch.
import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.serialized) struct ReaderTests {
    @Test func readersDuringARunSeeWholeGenerations() throws {
        let gallery = try Gallery.indexed(4)
        let content = try (0..<8).map(Gallery.content)
        for number in 0..<1_200 {
            try gallery.folder.write(
                "n\(number).jpg", content[number % 8] + [UInt8(number & 0xFF), UInt8(number >> 8)])
        }
        let writer = Program.process(["index", "--jobs", "1"], in: gallery.path)
        writer.standardOutput = FileHandle.nullDevice
        writer.standardError = FileHandle.nullDevice
        try writer.run()
        var sizes: Set<Int> = []
        var rounds = 0
        while writer.isRunning {
            let search = try gallery.run("search", "a dog", "-n", "5000", "--format", "paths")
            #expect(search.code == 0, "\(search.stderr)")
            #expect(Set(search.lines).count == search.lines.count)
            #expect(Set(search.lines).isSuperset(of: (0..<4).map { "p\($0).jpg" }))
            let verify = try gallery.run("verify")
            #expect(verify.code == 0, "\(verify.text)\(verify.stderr)")
            sizes.insert(search.lines.count)
            rounds += 1
        }
        #expect(writer.terminationStatus == 0)
        #expect(rounds >= 2 && sizes.min() ?? 0 >= 4, "\(rounds) rounds, \(sizes.sorted())")
        #expect(try gallery.run("search", "a dog", "-n", "5000", "--format", "paths").lines.count == 1_204)
    }
}
