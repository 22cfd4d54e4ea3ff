// File names as bytes to something a terminal or a JSON reader can take.

import Foundation

/// Names shown and quoted.
public enum Escaping {
    /// A name for people: control characters and bytes that are no UTF-8 are written as escapes, so that no name can
    /// move the cursor, end a line, or pass for another.
    public static func visible(_ bytes: [UInt8]) -> String {
        var text = ""
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var at = 0
        while true {
            let result = decoder.decode(&iterator)
            switch result {
            case .emptyInput: return text
            case .error:
                // One byte at a time: find how far the valid text went.
                return text + escapeRest(bytes, after: at)
            case .scalarValue(let scalar):
                text += visible(scalar)
                at += String(scalar).utf8.count
            }
        }
    }

    private static func escapeRest(_ bytes: [UInt8], after count: Int) -> String {
        guard count < bytes.count else { return "" }
        return hex("\\x", UInt32(bytes[count]), 2) + visible(Array(bytes[(count + 1)...]))
    }

    private static func visible(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\t": "\\t"
        case "\r": "\\r"
        case "\\": "\\\\"
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
                hex("\\u{", scalar.value, 1) + "}"
            default: String(scalar)
            }
        }
    }

    private static func hex(_ prefix: String, _ value: UInt32, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return prefix + String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }

    /// A JSON string, quotes included.
    public static func json(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: quoted += hex("\\u", scalar.value, 4)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Bytes as RFC 4648's base64, padded.
    public static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    /// Whether bytes are valid UTF-8.
    public static func isUTF8(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }
}
