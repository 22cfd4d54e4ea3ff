// Log messages to lines on stderr.
import Logging

/// Writes `penumbra: message key=value ...` to stderr.
struct ConsoleLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(logLevel: Logger.Level) { self.logLevel = logLevel }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let pairs = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let text = pairs.reduce("\(event.message)") { "\($0) \($1.key)=\($1.value)" }
        Console.error(text)
    }
}
