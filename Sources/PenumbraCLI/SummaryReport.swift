// What an indexing run did, told to a person.
import Engine
import Presentation

/// The closing summary of `penumbra index`.
struct SummaryReport {
    private let summary: IndexingSummary
    private let style: PathStyle
    private let elapsed: Duration
    private let isNew: Bool
    private let isDryRun: Bool
    /// More failures than this are counted, not listed.
    private static let listed = 20

    init(_ summary: IndexingSummary, style: PathStyle, elapsed: Duration, isNew: Bool, isDryRun: Bool) {
        self.summary = summary
        self.style = style
        self.elapsed = elapsed
        self.isNew = isNew
        self.isDryRun = isDryRun
    }

    /// Writes failures and notices to stderr, the counts to stdout.
    func show(_ index: Index) {
        for notice in summary.notices { Console.error("\(name(notice.path)): \(notice.reason)") }
        for failure in summary.failures.prefix(Self.listed) {
            Console.error("\(name(failure.path)): \(failure.reason)")
        }
        if summary.failed > Self.listed {
            Console.error("and \(summary.failed - Self.listed) more that failed")
        }
        for line in lines(index) { Console.print(line) }
    }

    private func name(_ path: [UInt8]) -> String {
        path.isEmpty ? "the root" : Escaping.visible(style.relative(path))
    }

    private func lines(_ index: Index) -> [String] {
        var lines: [String] = []
        if summary.wasInterrupted {
            lines.append(
                isDryRun
                    ? "interrupted: not all was looked at"
                    : "interrupted: what was done is kept, the same command goes on")
        }
        if summary.total == 0 && summary.failures.isEmpty && !summary.wasInterrupted {
            lines.append(
                isNew && !isDryRun ? "no pictures here: made an empty index" : "no pictures here: the index is empty")
        }
        lines.append(
            RunSummary.counts([
                (summary.added, "added"), (summary.changed, "changed"), (summary.renamed, "renamed"),
                (summary.copied, "copied"), (summary.removed, "removed"), (summary.unchanged, "unchanged"),
                (summary.failed, "failed"), (summary.stillFailing, "failed before"),
            ]))
        if !summary.unsupported.isEmpty {
            let kinds = summary.unsupported.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            lines.append("not supported: " + kinds.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
        }
        if summary.folderLinks > 0 {
            let links = summary.folderLinks == 1 ? "1 link to a folder" : "\(summary.folderLinks) links to folders"
            lines.append("\(links) not followed (--follow-links)")
        }
        if isDryRun { return lines + ["dry run: nothing was touched"] }
        return lines + [RunSummary.closing(summary.total, "picture", in: index, elapsed) + speed]
    }

    /// ", 546 pictures/s"; nothing where nothing was encoded.
    private var speed: String {
        let work = summary.added + summary.changed
        guard work > 0, elapsed > .zero else { return "" }
        return ", \(Int((Double(work) / elapsed.inSeconds).rounded())) pictures/s"
    }
}
