// What an index says of itself, told to a person or a program.
import Engine
import Foundation
import Presentation

/// The output of `penumbra status`.
struct StatusReport {
    let status: IndexStatus
    let style: PathStyle
    /// How far the index is behind its folder, if that was asked.
    var staleness: Staleness?

    /// Names and values for a person.
    var rows: [(String, String)] {
        let failed = status.failed.count
        return [
            ("index", Escaping.visible(Array(status.folder.utf8))), ("root", Escaping.visible(Array(status.root.utf8))),
            ("pictures", "\(status.images)"), ("texts", "\(status.texts)"),
        ]
            + status.sources.filter { $0.kind != "scan" }.map { source in
                (source.kind, "\(Escaping.visible(Array(source.name.utf8))): \(source.items) \(source.collection)")
            } + [
                ("failed files", "\(failed)\(failed == 0 ? "" : " (--failed lists them)")"),
                ("model", "\(status.model), \(status.dimension) dimensions"), ("encoding", status.encodingID),
                ("generation", "\(status.generation)"),
                (
                    "dead slots",
                    "\(status.deadSlots)\(status.deadSlots < 1_000 ? "" : " (penumbra optimize frees them)")"
                ),
                ("size", size),
            ] + (staleness.map { [("folder", Self.summary($0))] } ?? [])
    }

    /// "1.1 MB: catalogue 0.2 MB, vectors 0.9 MB".
    private var size: String {
        let vectors = ByteCount.text(status.bytes - status.catalogueBytes)
        return "\(ByteCount.text(status.bytes)): catalogue \(ByteCount.text(status.catalogueBytes)), vectors \(vectors)"
    }

    /// "3 new, 1 changed, 2 gone, 240 unchanged".
    private static func summary(_ staleness: Staleness) -> String {
        let counts = [
            (staleness.new, "new"), (staleness.changed, "changed"), (staleness.missing, "gone"),
            (staleness.kept, "not found but kept"), (staleness.unreadableFolders, "unreadable folders"),
            (staleness.unchanged, "unchanged"), (staleness.failedBefore, "failed before"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        let isMended = staleness.new + staleness.changed + staleness.missing > 0
        let verdict =
            staleness.isCurrent
            ? "up to date" : isMended ? "out of date, penumbra index mends that" : "not all of it could be found"
        return verdict + (counts.isEmpty ? "" : ": \(counts)")
    }

    private static func json(_ staleness: Staleness) -> String {
        let notices = staleness.notices.map { notice in
            "{\"path\":\(Escaping.json(String(decoding: notice.path, as: UTF8.self))),"
                + "\"reason\":\(Escaping.json(notice.reason))}"
        }
        return
            "\"folder\":{\"is_current\":\(staleness.isCurrent),\"new\":\(staleness.new),\"changed\":\(staleness.changed),"
            + "\"gone\":\(staleness.missing),\"kept\":\(staleness.kept),"
            + "\"unreadable_folders\":\(staleness.unreadableFolders),\"unchanged\":\(staleness.unchanged),"
            + "\"failed_before\":\(staleness.failedBefore),\"notices\":[\(notices.joined(separator: ","))]}"
    }

    /// One line for each failure: the path, the reason, when, and whether a retry can help, between tabs.
    var failedLines: [String] {
        status.failed.map { item in
            let name = item.source.map { "\(Escaping.visible(item.path)) (from \(Escaping.visible(Array($0.utf8))))" }
            let columns = [
                name ?? Escaping.visible(style.relative(item.path)), Escaping.visible(Array(item.reason.utf8)),
                item.time.map(Self.timestamp) ?? "time unknown",
                item.isRetryable ? "a retry may help" : "a retry cannot help",
            ]
            return columns.joined(separator: "\t")
        }
    }

    /// "2026-11-21T14:03:22Z".
    private static func timestamp(_ seconds: Int) -> String {
        ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: TimeInterval(seconds)))
    }

    /// One JSON object; failures are in it where they are asked for.
    func json(failed: Bool) -> String {
        let sources = status.sources.map { source in
            "{\"kind\":\(Escaping.json(source.kind)),\"name\":\(Escaping.json(source.name)),"
                + "\"collection\":\"\(source.collection)\",\"items\":\(source.items)}"
        }
        var fields = [
            "\"index\":\(Escaping.json(status.folder))", "\"root\":\(Escaping.json(status.root))",
            "\"images\":\(status.images)", "\"texts\":\(status.texts)",
            "\"sources\":[\(sources.joined(separator: ","))]", "\"failed\":\(status.failed.count)",
            "\"model\":\(Escaping.json(status.model))",
            "\"model_fingerprint\":\(Escaping.json(status.modelFingerprint))",
            "\"encoding_id\":\(Escaping.json(status.encodingID))", "\"dimension\":\(status.dimension)",
            "\"format\":\(status.format)", "\"generation\":\(status.generation)",
            "\"dead_slots\":\(status.deadSlots)", "\"bytes\":\(status.bytes)",
            "\"catalogue_bytes\":\(status.catalogueBytes)",
        ]
        if let staleness { fields.append(Self.json(staleness)) }
        if failed { fields.append("\"failures\":[\(status.failed.map(Self.json).joined(separator: ","))]") }
        return "{\(fields.joined(separator: ","))}"
    }

    private static func json(_ item: FailedItem) -> String {
        var fields = ["\"path\":\(Escaping.json(String(decoding: item.path, as: UTF8.self)))"]
        if !Escaping.isUTF8(item.path) { fields.append("\"path_base64\":\"\(Escaping.base64(item.path))\"") }
        fields += [
            "\"source\":\(item.source.map(Escaping.json) ?? "null")", "\"reason\":\(Escaping.json(item.reason))",
            "\"failed_at\":\(item.time.map { Escaping.json(timestamp($0)) } ?? "null")",
            "\"retry_may_help\":\(item.isRetryable)",
        ]
        return "{\(fields.joined(separator: ","))}"
    }
}
