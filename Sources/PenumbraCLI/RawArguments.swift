// Arguments as text back to the bytes that were typed: file names need not be UTF-8.
import Presentation

/// The process's arguments, raw.
struct RawArguments {
    private var damaged: [String: [[UInt8]]] = [:]

    /// Reads the arguments that are no UTF-8.
    init() {
        for index in 0..<Int(CommandLine.argc) {
            guard let argument = CommandLine.unsafeArgv[index] else { continue }
            let bytes = Array(UnsafeRawBufferPointer(start: argument, count: Self.length(argument)))
            guard !Escaping.isUTF8(bytes) else { continue }
            damaged[String(decoding: bytes, as: UTF8.self), default: []].append(bytes)
        }
    }

    private static func length(_ string: UnsafePointer<CChar>) -> Int {
        var count = 0
        while string[count] != 0 { count += 1 }
        return count
    }

    /// The bytes behind an argument's text; call it for the arguments in order.
    mutating func bytes(of text: String) -> [UInt8] {
        guard let first = damaged[text]?.first else { return Array(text.utf8) }
        damaged[text]?.removeFirst()
        return first
    }
}
