// What an index says of itself, told to a person or a program.
import Engine
import Foundation

/// Renders what `penumbra status` found.
public struct StatusRenderer {
    private let status: IndexStatus
    private let style: PathStyle
    private let staleness: Staleness?

    /// Renders a status.
    /// - Parameters:
    ///   - status: what the index holds.
    ///   - style: how paths are written for people.
    ///   - staleness: how far the index is behind its folder, if that was asked.
    public init(_ status: IndexStatus, _ style: PathStyle, staleness: Staleness? = nil) {
        self.status = status
        self.style = style
        self.staleness = staleness
    }

    /// Names and values for a person.
    public var rows: [(String, String)] {
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

    /// One line for each failure: the path, the reason, when, and whether a retry can help, between tabs.
    public var failedLines: [String] {
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

    /// One JSON object on a line; `folder` and `failures` are null where they were not asked for.
    public func json(failed: Bool) -> [UInt8] {
        var object = JSONObject()
        object["index"] = JSONObject.text(status.folder)
        object["root"] = JSONObject.text(status.root)
        object["images"] = "\(status.images)"
        object["texts"] = "\(status.texts)"
        object["sources"] = JSONObject.list(
            status.sources.map { source in
                var object = JSONObject()
                object["kind"] = JSONObject.text(source.kind)
                object["name"] = JSONObject.text(source.name)
                object["collection"] = JSONObject.text("\(source.collection)")
                object["items"] = "\(source.items)"
                return object
            })
        object["failed"] = "\(status.failed.count)"
        object["model"] = JSONObject.text(status.model)
        object["model_fingerprint"] = JSONObject.text(status.modelFingerprint)
        object["encoding_id"] = JSONObject.text(status.encodingID)
        object["dimension"] = "\(status.dimension)"
        object["format"] = "\(status.format)"
        object["generation"] = "\(status.generation)"
        object["dead_slots"] = "\(status.deadSlots)"
        object["bytes"] = "\(status.bytes)"
        object["catalogue_bytes"] = "\(status.catalogueBytes)"
        object["folder"] = staleness.map { Self.object($0).text } ?? "null"
        object["failures"] = failed ? JSONObject.list(status.failed.map(Self.object)) : "null"
        return object.line
    }

    private static func object(_ staleness: Staleness) -> JSONObject {
        var object = JSONObject()
        object["is_current"] = "\(staleness.isCurrent)"
        object["new"] = "\(staleness.new)"
        object["changed"] = "\(staleness.changed)"
        object["gone"] = "\(staleness.missing)"
        object["kept"] = "\(staleness.kept)"
        object["unreadable_folders"] = "\(staleness.unreadableFolders)"
        object["unchanged"] = "\(staleness.unchanged)"
        object["failed_before"] = "\(staleness.failedBefore)"
        object["notices"] = JSONObject.list(
            staleness.notices.map { notice in
                var object = JSONObject()
                object.name(notice.path, .images)
                object["reason"] = JSONObject.text(notice.reason)
                return object
            })
        return object
    }

    private static func object(_ item: FailedItem) -> JSONObject {
        var object = JSONObject()
        object.name(item.path, .images)
        object["source"] = item.source.map(JSONObject.text) ?? "null"
        object["reason"] = JSONObject.text(item.reason)
        object["failed_at"] = item.time.map { JSONObject.text(timestamp($0)) } ?? "null"
        object["retry_may_help"] = "\(item.isRetryable)"
        return object
    }
}
