// Lists of strings in JSON to their bytes one at a time, and bytes to JSON strings: names come by the million.

/// Strings in JSON, as the metadata of a safetensors file hold them.
package enum JSONStrings {
    /// Reads an array of strings.
    /// - Parameters:
    ///   - bytes: the JSON text.
    ///   - file: for messages.
    ///   - body: called with each string's bytes, in order; the array is used again for the next.
    /// - Throws: `TokenizerError` naming the byte where it is no array of strings; what `body` throws.
    package static func forEach(
        in bytes: UnsafeRawBufferPointer, file: String, _ body: ([UInt8]) throws -> Void
    ) throws {
        var failure: (any Error)?
        var scanner = JSONScanner(bytes, file: file)
        var string: [UInt8] = []
        try scanner.array { (scanner, _) throws(TokenizerError) in
            string.removeAll(keepingCapacity: true)
            try scanner.string(into: &string)
            guard failure == nil else { return }
            do { try body(string) } catch { failure = error }
        }
        if let failure { throw failure }
        guard scanner.peek() == nil else { throw scanner.refuse("the end") }
    }

    /// Reads one line of a list of names: an object of strings, or a string, which stands for its `name`.
    /// - Throws: `TokenizerError` naming the byte where it is neither.
    package static func line(_ bytes: UnsafeRawBufferPointer, file: String) throws -> [String: String] {
        var scanner = JSONScanner(bytes, file: file)
        let members = scanner.peek() == UInt8(ascii: "\"") ? ["name": try scanner.string()] : try scanner.strings()
        guard let members, scanner.peek() == nil else { throw scanner.refuse("a string or an object of strings") }
        return members
    }

    /// Appends bytes as a JSON string, quotes included; what is no UTF-8 becomes U+FFFD.
    package static func append(_ text: some Swift.Collection<UInt8>, to json: inout [UInt8]) {
        json.append(UInt8(ascii: "\""))
        let isPlain = text.allSatisfy { $0 >= 0x20 && $0 < 0x80 && $0 != 0x22 && $0 != 0x5C }
        if isPlain {
            json.append(contentsOf: text)
        } else {
            for byte in String(decoding: text, as: UTF8.self).utf8 { escape(byte, to: &json) }
        }
        json.append(UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8, to json: inout [UInt8]) {
        switch byte {
        case 0x22, 0x5C: json += [0x5C, byte]
        case 0x0A: json += [0x5C, UInt8(ascii: "n")]
        case 0x0D: json += [0x5C, UInt8(ascii: "r")]
        case 0x09: json += [0x5C, UInt8(ascii: "t")]
        case ..<0x20, 0x7F:
            let digits = Array("0123456789abcdef".utf8)
            json += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        default: json.append(byte)
        }
    }
}
