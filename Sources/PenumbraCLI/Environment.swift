// The one place that reads the process's surroundings.
import Glibc

/// What the surroundings say.
enum Environment {
    /// The current folder, absolute.
    static var currentFolder: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    /// Whether a progress bar may move the cursor: stderr is a terminal, and not a dumb one.
    static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 && variable("TERM") != "dumb" }

    /// Whether colour may be used on stderr (https://no-color.org).
    static var usesColour: Bool { showsProgress && (variable("NO_COLOR") ?? "").isEmpty }

    /// The instruction set asked for by PENUMBRA_SIMD, or nil.
    static var instructionSet: String? { variable("PENUMBRA_SIMD") }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
