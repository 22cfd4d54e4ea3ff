// Progress to a line on the terminal: how far, how fast, how long still.
import Engine
import Synchronization

/// A bar that redraws itself on stderr at most ten times a second; silent where stderr is no terminal.
final class ProgressBar: Sendable {
    private let isShown: Bool
    private let usesColour: Bool
    private let unit: String
    private let start = ContinuousClock.now
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    init(
        isShown: Bool = Environment.showsProgress, usesColour: Bool = Environment.usesColour, unit: String = "files"
    ) {
        self.isShown = isShown
        self.usesColour = usesColour
        self.unit = unit
    }

    /// Draws.
    func show(_ progress: IndexingProgress) {
        guard isShown, progress.total > 0 else { return }
        let now = ContinuousClock.now
        let isDue = last.withLock { last in
            guard progress.done == progress.total || last.map({ now - $0 > .milliseconds(100) }) ?? true else {
                return false
            }
            last = now
            return true
        }
        guard isDue else { return }
        Console.raw("\r\u{1B}[K" + Self.line(progress, elapsed: now - start, usesColour: usesColour, unit: unit))
    }

    /// Takes the line away.
    func finish() {
        if isShown, last.withLock({ $0 != nil }) { Console.raw("\r\u{1B}[K") }
    }

    /// One line of at most 79 columns.
    static func line(_ progress: IndexingProgress, elapsed: Duration, usesColour: Bool, unit: String) -> String {
        let seconds = elapsed.inSeconds
        let rate = seconds > 0 ? Double(progress.done) / seconds : 0
        let filled = 24 * progress.done / max(progress.total, 1)
        let bar = String(repeating: "#", count: filled)
        let rest = String(repeating: ".", count: 24 - filled)
        let left = rate > 0 ? time(Double(progress.total - progress.done) / rate) : "-"
        let painted = usesColour ? "\u{1B}[32m\(bar)\u{1B}[0m" : bar
        return "[\(painted)\(rest)] \(progress.done)/\(progress.total)  \(speed(rate)) \(unit)/s  \(left) left"
    }

    private static func speed(_ rate: Double) -> String {
        rate >= 10 ? "\(Int(rate.rounded()))" : "\((rate * 10).rounded() / 10)"
    }

    /// "42 s", "3 min 20 s", "2 h 05 min".
    static func time(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        if whole < 60 { return "\(whole) s" }
        if whole < 3_600 { return "\(whole / 60) min \(whole % 60) s" }
        let minutes = whole % 3_600 / 60
        return "\(whole / 3_600) h \(minutes < 10 ? "0" : "")\(minutes) min"
    }
}
