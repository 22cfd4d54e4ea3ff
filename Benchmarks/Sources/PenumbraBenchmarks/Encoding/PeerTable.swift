// Our measurements and those of other programs to one table in Markdown.
import Foundation

/// A case as another program measured it.
struct PeerMeasurement: Decodable {
    /// Named as ours.
    let name: String
    /// For example "torch 2.13.0+cpu".
    let engine: String
    let seconds: [Double]

    private enum CodingKeys: String, CodingKey {
        case name = "case"
        case engine, seconds
    }

    var median: Double { seconds.sorted()[seconds.count / 2] }

    /// Reads JSON lines.
    static func read(_ path: String) throws -> [PeerMeasurement] {
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        return try lines.map { try JSONDecoder().decode(PeerMeasurement.self, from: Data($0.utf8)) }
    }
}

/// The table that is kept beside the JSON lines.
enum PeerTable {
    /// One row per case: median and range in milliseconds, items per second, the peer, and how many times faster we are.
    static func markdown(_ measurements: [(Measurement, note: String?)], _ peers: [PeerMeasurement]) -> String {
        var lines = [
            "| case | median ms (range) | items/s | peer, ms (range) | times faster | |", "|---|---|---|---|---|---|",
        ]
        for (measurement, note) in measurements {
            let peer = peers.first { $0.name == measurement.name && !$0.seconds.isEmpty }
            let ratio = peer.map { String(format: "%.2f", $0.median / measurement.median) } ?? ""
            let other = peer.map { "\($0.engine) \(range($0.seconds, $0.median))" } ?? ""
            let rate = String(format: "%.1f", Double(measurement.items) / measurement.median)
            lines.append(
                "| `\(measurement.name)` | \(range(measurement.seconds, measurement.median)) | \(rate) | \(other) | \(ratio) | "
                    + "\(note ?? "") |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func range(_ seconds: [Double], _ median: Double) -> String {
        func shown(_ value: Double?) -> String { String(format: "%.1f", (value ?? 0) * 1_000) }
        return "\(shown(median)) (\(shown(seconds.min()))-\(shown(seconds.max())))"
    }
}
