// Turns characters into SentencePiece's replacements for them: the `precompiled_charsmap` of a tokenizer.
import Foundation

/// A Darts double-array trie over UTF-8 and the replacement strings it points to.
///
/// - SeeAlso: sentencepiece's `normalizer.cc`; the walk by grapheme cluster is that of the `tokenizers` library, which
///   differs from sentencepiece's own where a cluster has several code points
struct CharacterMap: Sendable, Equatable {
    private let units: [UInt32]
    private let replacements: [UInt8]
    /// Whether an ASCII character stays as it is.
    private let keepsASCII: [Bool]

    /// Clusters of this many bytes or more are looked up code point by code point.
    private static let clusterLimit = 6

    /// Decodes the base64 form: byte length of the trie (UInt32), its units (UInt32), NUL-terminated UTF-8 strings.
    init(_ node: JSONNode) throws(TokenizerError) {
        guard let data = Data(base64Encoded: try node.string()) else { throw node.refuse(expected: "base64") }
        let bytes = [UInt8](data)
        func word(_ offset: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
        }
        guard bytes.count >= 4 else { throw node.refuse(expected: "a character map", got: "\(bytes.count) bytes") }
        let length = Int(word(0))
        guard length > 0, length % 4 == 0, length <= bytes.count - 4 else {
            throw node.refuse(expected: "a trie of whole units within \(bytes.count) bytes", got: "\(length) bytes")
        }
        let strings = Array(bytes[(4 + length)...])
        guard strings.last == 0, String(validating: strings, as: UTF8.self) != nil else {
            throw node.refuse(expected: "replacements in UTF-8 that end with NUL", got: "\(strings.count) other bytes")
        }
        let units = (0..<length / 4).map { word(4 + 4 * $0) }
        self.units = units
        replacements = strings
        keepsASCII = (0..<128).map { Self.shortestPrefix(of: [UInt8($0)], in: units) == nil }
    }

    /// The text with every character replaced that the map knows.
    func apply(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 128 && $0 != 0x0D && keepsASCII[Int($0)] }) { return text }
        var result: [UInt8] = []
        for cluster in text {
            let bytes = Array(cluster.utf8)
            if bytes.count < Self.clusterLimit, let replacement = replacement(of: bytes) {
                result += replacement
                continue
            }
            for scalar in cluster.unicodeScalars {
                let bytes = Array(String(scalar).utf8)
                result += replacement(of: bytes) ?? bytes[...]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// What replaces all these bytes if any prefix of them is in the map: the replacement of the shortest.
    private func replacement(of bytes: [UInt8]) -> ArraySlice<UInt8>? {
        guard let start = Self.shortestPrefix(of: bytes, in: units), start < replacements.count else { return nil }
        let end = replacements[start...].firstIndex(of: 0) ?? replacements.count
        return replacements[start..<end]
    }

    /// Walks the double array; returns the value of the first leaf.
    ///
    /// A walk out of a damaged array finds nothing.
    private static func shortestPrefix(of bytes: [UInt8], in units: [UInt32]) -> Int? {
        var position = 0 ^ offset(units[0])
        for byte in bytes {
            guard byte != 0 else { return nil }
            position ^= Int(byte)
            guard position < units.count, units[position] & 0x8000_00FF == UInt32(byte) else { return nil }
            let unit = units[position]
            position ^= offset(unit)
            guard unit >> 8 & 1 == 1 else { continue }
            return position < units.count ? Int(units[position] & 0x7FFF_FFFF) : nil
        }
        return nil
    }

    private static func offset(_ unit: UInt32) -> Int {
        Int(unit >> 10) << Int((unit & 0x200) >> 6)
    }
}
