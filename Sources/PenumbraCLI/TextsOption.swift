// `--texts` and its columns: a file of texts becomes items of the index.
import ArgumentParser
import Engine
import Presentation

/// The file of texts that `penumbra index` reads.
struct TextsOption: ParsableArguments {
    @Option(
        name: .customLong("texts"),
        help: ArgumentHelp(
            "Index the texts of a .txt (one per line), .csv, .tsv or .jsonl file; without a folder, nothing else.",
            valueName: "file"),
        completion: .file(extensions: ["txt", "csv", "tsv", "jsonl"]))
    var file: String?

    @Option(
        name: [.customLong("text-column"), .customLong("text-field")],
        help: ArgumentHelp(
            "Where the text is. Default: text, caption, the last of levels, or the only column.", valueName: "name"))
    var text: String?

    @Option(
        name: [.customLong("picture-column"), .customLong("picture-field")],
        help: ArgumentHelp(
            "What names the text's picture, relative to the root. Default: file or image, if there.",
            valueName: "name"))
    var picture: String?

    func validate() throws {
        if file == nil, text != nil || picture != nil { throw ValidationError("columns are those of --texts FILE") }
    }

    /// Reads the file into the index, and tells what was done.
    /// - Parameters:
    ///   - index: the index.
    ///   - jobs: workers; nil takes one per core.
    ///   - retriesFailed: whether rows that failed are tried again.
    ///   - isAlone: whether no scan follows that may bring the pictures its texts are linked to.
    /// - Returns: whether there was a file to read.
    /// - Throws: exit code 2 when a row failed, 130 or 143 when a signal came.
    func update(_ index: Index, jobs: Int?, retriesFailed: Bool, isAlone: Bool) async throws -> Bool {
        guard let file else { return false }
        var options = TextOptions(textColumn: text, pictureColumn: picture, jobs: jobs ?? Index.processorCount)
        options.retriesFailed = retriesFailed
        let start = ContinuousClock.now
        let interruption = Interruption()
        let summary = try await interruption.run { [options] in
            let bar = ProgressBar(unit: "texts")
            defer { bar.finish() }
            return try await index.updateTexts(from: file, options) { bar.show($0) }
        }
        if isAlone { reportUnlinked(summary.unlinked) }
        report(summary, index, elapsed: ContinuousClock.now - start)
        if let signal = interruption.signal { throw ExitCode(128 + signal) }
        if summary.failures.count > 0 { throw ExitCode(2) }
        return true
    }

    private func report(_ summary: TextSummary, _ index: Index, elapsed: Duration) {
        let name = Escaping.visible(Array((file ?? "").utf8))
        for failure in summary.failures.first { Console.error("\(name): \(failure)") }
        let more = summary.failures.count - summary.failures.first.count
        if more > 0 { Console.error("and \(more) more rows that failed") }
        if summary.truncated.count > 0 {
            let examples = summary.truncated.first.prefix(3).map { "\"\(Self.short($0))\"" }.joined(separator: ", ")
            Console.error(
                (summary.truncated.count == 1 ? "1 text is" : "\(summary.truncated.count) texts are")
                    + " longer than the model's context, which sees only the beginning: \(examples)")
        }
        if summary.unknownCharacters.count > 0 {
            let characters = summary.unknownCharacters.first.map { Escaping.visible(Array($0.utf8)) }
            Console.error("the model does not know: \(characters.joined(separator: " "))")
        }
        if summary.wasInterrupted { Console.print("interrupted: what was done is kept, the same command goes on") }
        Console.print(
            RunSummary.counts([
                (summary.added, "added"), (summary.relinked, "with other pictures"), (summary.removed, "removed"),
                (summary.unchanged, "unchanged"), (summary.failures.count, "failed"),
                (summary.stillFailing, "failed before"),
            ]))
        Console.print(RunSummary.closing(summary.total, "text", in: index, elapsed))
    }

    /// Captions are often indexed before their pictures, so a link to nothing is no mistake.
    private func reportUnlinked(_ links: Occurrences) {
        guard let example = links.first.first else { return }
        let subject = links.count == 1 ? "1 linked picture is" : "\(links.count) linked pictures are"
        Console.error("\(subject) not in the index, such as \(Escaping.visible(Array(example.utf8)))")
    }

    private static func short(_ text: String) -> String {
        Escaping.visible(Array((text.count > 40 ? text.prefix(39) + "\u{2026}" : text[...]).utf8))
    }
}
