// The one place that reads the process's surroundings.
import Engine
import Glibc
import Logging

/// What the surroundings say.
enum Environment {
    /// The current folder, absolute, raw bytes.
    static var currentFolder: [UInt8] {
        guard let path = getcwd(nil, 0) else { return [0x2F] }
        defer { free(path) }
        return Array(UnsafeRawBufferPointer(start: path, count: strlen(path)))
    }

    /// Whether a progress bar may move the cursor: stderr is a terminal, and not a dumb one.
    static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 && variable("TERM") != "dumb" }

    /// Whether colour may be used on stderr (https://no-color.org).
    static var usesColour: Bool { showsProgress && (variable("NO_COLOR") ?? "").isEmpty }

    /// The instruction set that PENUMBRA_SIMD asks for, or nil.
    static var instructionSet: String? { variable("PENUMBRA_SIMD").flatMap { $0.isEmpty ? nil : $0 } }

    /// The user's models and what is cached of them, in the XDG folders.
    static var registry: ModelRegistry {
        ModelRegistry(configurationFolder: configurationFolder, cacheFolder: cacheFolder)
    }

    /// What queries are remembered in; PENUMBRA_QUERY_CACHE=off remembers none, PENUMBRA_LOG=debug tells what becomes of them.
    static var queryCache: QueryCache {
        guard variable("PENUMBRA_QUERY_CACHE") != "off" else { return .none }
        guard variable("PENUMBRA_LOG") == "debug" else { return QueryCache(folder: cacheFolder) }
        return QueryCache(
            folder: cacheFolder, logger: Logger(label: "penumbra") { _ in ConsoleLogHandler(logLevel: .debug) })
    }

    /// `penumbra/` in the XDG configuration folder.
    static var configurationFolder: String? { folder("XDG_CONFIG_HOME", ".config") }

    /// `penumbra/` in the XDG cache folder.
    static var cacheFolder: String? { folder("XDG_CACHE_HOME", ".cache") }

    /// An XDG folder of ours; relative values are ignored, as the specification asks.
    private static func folder(_ name: String, _ standard: String) -> String? {
        if let value = variable(name), value.hasPrefix("/") { return "\(value)/penumbra" }
        guard let home = variable("HOME"), home.hasPrefix("/") else { return nil }
        return "\(home)/\(standard)/penumbra"
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
