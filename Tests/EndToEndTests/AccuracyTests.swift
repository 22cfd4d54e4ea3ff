// What --explain says of a search's work, what --accuracy leaves alone, and which libraries a search starts.
import Foundation
import TestSupport
import Testing

@Suite struct AccuracyTests {
    /// "of 12 items 12 from means, 7 compared exactly": the figures by what stands behind them.
    private func footer(_ output: Output) throws -> [String: Int] {
        let line = try #require(output.lines.last { $0.contains("compared exactly") }, "\(output.text)")
        var figures: [String: Int] = [:]
        for match in line.matches(of: /([0-9]+) ([a-z ]+)/) {
            // "12 items 12 from means" is two figures, as numbers are no letters.
            figures[match.2.trimmingCharacters(in: .whitespaces)] = Int(match.1)
        }
        return figures
    }

    @Test func explainCountsWhatEachRungTouched() throws {
        let gallery = try Gallery.indexed(12)
        let figures = try footer(try gallery.run("search", "a dog", "-n", "3", "--explain"))
        #expect(figures["items"] == 12)
        // A block that is not full has no codes yet.
        #expect(figures["from means"] == 12 && figures["from fine codes"] == nil)
        let exact = try #require(figures["compared exactly"])
        #expect((3...12).contains(exact))
        #expect(try !gallery.run("search", "a dog", "-n", "3").text.contains("compared exactly"))
    }

    @Test func accuracyLosesNothingWhereThereAreNoCodes() throws {
        let gallery = try Gallery.indexed(12)
        for words in ["a dog", "two green pears", "a red boat on the sea"] {
            let exact = try gallery.run("search", words, "-n", "5")
            let fast = try gallery.run("search", words, "-n", "5", "--accuracy", "0.999")
            #expect(fast.code == exact.code && fast.stdout == exact.stdout && exact.lines.count > 5)
        }
        let explained = try gallery.run("search", "a dog", "-n", "3", "--explain", "--accuracy", "0.999")
        #expect(try footer(explained)["items"] == 12)
        for wrong in ["0", "1.5", "-1", "nan", "x"] {
            let refused = try gallery.run("search", "a dog", "--accuracy=\(wrong)")
            #expect(refused.code == 64 && refused.stderr.contains("accuracy"), "\(wrong): \(refused.stderr)")
        }
    }

    /// OpenBLAS starts a thread that keeps a core busy for a while: it must not come with every process.
    @Test func openBLASIsLoadedOnlyWhereItMultiplies() throws {
        let gallery = try Gallery.indexed(2)
        func loads(_ arguments: [String], _ level: String) throws -> Bool {
            let environment = ["LD_DEBUG": "files", "PENUMBRA_SIMD": level, "PENUMBRA_QUERY_CACHE": "off"]
            return try Program.run(arguments, in: gallery.path, environment: environment).stderr.contains("libopenblas")
        }
        #expect(try !loads(["--version"], ""))
        #expect(try loads(["search", "a dog"], "portable"))
        let levels = try gallery.run("doctor").text
        guard levels.contains("avx512") else { return print("avx512: skipped, not on this machine") }
        #expect(try !loads(["search", "a dog"], "avx512"))
    }
}
