// A terminal, or none, to what is drawn on stderr.
import Foundation
import TestSupport
import Testing

@Suite struct TerminalTests {
    static let hasScript = FileManager.default.isExecutableFile(atPath: "/usr/bin/script")

    /// Runs the program on a pseudo-terminal; both streams come back as one.
    func onTerminal(_ arguments: String, in folder: String, _ environment: [String: String]) throws -> Output {
        try Program.shell(
            "script -qec '\"$PENUMBRA\" \(arguments)' /dev/null < /dev/null", in: folder,
            environment: ["TERM": "xterm", "SHELL": "/bin/sh"].merging(environment) { $1 })
    }

    @Test func nothingIsDrawnWithoutATerminal() throws {
        let gallery = try Gallery(3)
        let output = try gallery.run("index", environment: ["TERM": "xterm"])
        #expect(output.code == 0 && output.stderr.isEmpty)
        #expect(!output.stdout.contains(0x1B) && !output.stdout.contains(0x0D))
        #expect(output.lines.count == 2 && output.lines[0] == "3 added")
        #expect(output.lines[1].hasPrefix("3 pictures in \(gallery.path)/.penumbra, "))
    }

    @Test(.enabled(if: hasScript, "no script(1)")) func aBarIsDrawnAndTakenAway() throws {
        let gallery = try Gallery(3)
        let output = try onTerminal("index", in: gallery.path, [:])
        #expect(output.code == 0)
        #expect(output.text.contains("3/3  ") && output.text.contains(" files/s  "))
        #expect(output.text.contains("\u{1B}[32m########################\u{1B}[0m"))
        #expect(output.text.contains("\r\u{1B}[K3 added"), "the line is cleared before the summary")
        for line in output.text.split(whereSeparator: \.isNewline) where line.contains("files/s") {
            let drawn = line.replacing(#/\x{1B}\[[0-9;]*[mK]/#, with: "")
            #expect(drawn.split(separator: "\r").allSatisfy { $0.count <= 79 })
        }
    }

    @Test(.enabled(if: hasScript, "no script(1)")) func noColourWhereNoneIsWanted() throws {
        let gallery = try Gallery(2)
        let output = try onTerminal("index", in: gallery.path, ["NO_COLOR": "1"])
        #expect(output.code == 0 && output.text.contains("2/2  "))
        #expect(!output.text.contains("\u{1B}[32m") && !output.text.contains("\u{1B}[0m"))
        let empty = try Gallery(1)
        #expect(try onTerminal("index", in: empty.path, ["NO_COLOR": ""]).text.contains("\u{1B}[32m"))
    }

    @Test(.enabled(if: hasScript, "no script(1)")) func noBarOnADumbTerminal() throws {
        let gallery = try Gallery(2)
        let output = try onTerminal("index", in: gallery.path, ["TERM": "dumb"])
        #expect(output.code == 0 && output.text.hasPrefix("2 added"))
        #expect(!output.stdout.contains(0x1B) && !output.text.contains("files/s"))
    }

    @Test(.enabled(if: hasScript, "no script(1)")) func theTableFitsTheTerminal() throws {
        let gallery = try Gallery(0)
        let name = String(repeating: "long-", count: 30) + "end.jpg"
        try gallery.folder.write(name, Gallery.content(1))
        #expect(try gallery.run("index").code == 0)
        let script = "script -qec 'stty cols 70; \"$PENUMBRA\" search x' /dev/null < /dev/null"
        let output = try Program.shell(script, in: gallery.path, environment: ["TERM": "xterm", "SHELL": "/bin/sh"])
        let row = try #require(output.text.split(whereSeparator: \.isNewline).first { $0.contains("end.jpg") })
        #expect(row.count == 70 && row.contains("\u{2026}") && row.hasSuffix("end.jpg"), "\(output.text)")
        #expect(try gallery.run("search", "x").lines[1].hasSuffix(name))
    }
}
