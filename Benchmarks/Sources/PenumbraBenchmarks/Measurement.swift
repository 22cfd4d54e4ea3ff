// Repeated runs of one case to a median and a spread, as a table row and as a JSON line.
import Foundation

/// One case's times.
struct Measurement {
    /// For example `search/D=192/N=10000/k=10`: the parameters make the name.
    let name: String
    /// Seconds of each counted run, in order.
    let seconds: [Double]
    /// Items dealt with in one run.
    let items: Int

    /// Runs `body` once to warm up, then until enough runs or time have come together.
    static func run(
        _ name: String, items: Int = 1, runs: Int = 15, seconds most: Double = 20, body: () throws -> Void
    ) rethrows -> Measurement {
        try body()
        var seconds: [Double] = []
        let begin = ContinuousClock.now
        while seconds.count < runs, seconds.count < 3 || ContinuousClock.now - begin < .seconds(most) {
            let start = ContinuousClock.now
            try body()
            seconds.append(Self.seconds(ContinuousClock.now - start))
        }
        return Measurement(name: name, seconds: seconds, items: items)
    }

    /// A duration in seconds.
    static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }

    /// The middle of the sorted times, and the smallest and largest.
    var median: Double { seconds.sorted()[seconds.count / 2] }

    /// A row of the table.
    var row: String {
        let milliseconds = [median, seconds.min() ?? 0, seconds.max() ?? 0].map { String(format: "%9.3f", $0 * 1_000) }
        let rate = String(format: "%10.1f", Double(items) / median)
        return name.padding(toLength: 56, withPad: " ", startingAt: 0) + milliseconds.joined(separator: " ") + " "
            + rate
    }

    /// The header of the table.
    static let header =
        "case".padding(toLength: 56, withPad: " ", startingAt: 0) + "median ms       min       max    items/s"

    /// All the times, for later.
    var json: String {
        let times = seconds.map { "\($0)" }.joined(separator: ",")
        return "{\"case\":\"\(name)\",\"items\":\(items),\"seconds\":[\(times)]}"
    }
}
