// stdout is data; stderr is progress, warnings and errors.
import Glibc

/// The two streams.
enum Console {
    /// Writes data to stdout.
    ///
    /// A reader that has gone away is success: `penumbra search x | head -1`.
    static func write(_ bytes: [UInt8]) {
        var start = 0
        while start < bytes.count {
            let written = bytes[start...].withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            if written < 0, errno == EPIPE { _exit(0) }
            if written < 0 {
                error("cannot write the results: \(String(cString: strerror(errno)))")
                _exit(2)
            }
            start += written
        }
    }

    /// Writes a line of text to stdout.
    static func print(_ text: String) { write(Array("\(text)\n".utf8)) }

    /// Writes a name and its value to stdout, the values below each other.
    static func row(_ name: String, _ value: String) {
        print("\(name)\(String(repeating: " ", count: max(14 - name.count, 1)))\(value)")
    }

    /// Writes an error or a warning to stderr.
    static func error(_ text: String) { note("penumbra: \(text)") }

    /// Writes a line to stderr.
    static func note(_ text: String) { raw("\(text)\n") }

    /// Writes to stderr as it is.
    static func raw(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Columns of the terminal stdout goes to, or nil.
    static var width: Int? {
        var size = winsize()
        guard isatty(STDOUT_FILENO) == 1, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return nil
        }
        return Int(size.ws_col)
    }
}
