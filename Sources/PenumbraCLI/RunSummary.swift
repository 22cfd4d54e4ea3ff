// What a run changed and how long it took, in the words that all commands share.
import Engine
import Presentation

/// The lines that close a run.
enum RunSummary {
    /// "3 added, 1 failed": what is not zero, or "nothing to do".
    static func counts(_ counts: [(count: Int, what: String)]) -> String {
        let named = counts.filter { $0.count > 0 }.map { "\($0.count) \($0.what)" }
        return named.isEmpty ? "nothing to do" : named.joined(separator: ", ")
    }

    /// "240 pictures in /home/you/Pictures/.penumbra, 0.5 s".
    static func closing(_ total: Int, _ noun: String, in index: Index, _ elapsed: Duration) -> String {
        let seconds = elapsed.inSeconds
        let time = seconds < 10 ? "\((seconds * 10).rounded() / 10) s" : ProgressBar.time(seconds)
        return "\(total) \(noun)\(total == 1 ? "" : "s") in \(Escaping.visible(Array(index.folder.utf8))), \(time)"
    }
}
