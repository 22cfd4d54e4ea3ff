// Turns text into one of Unicode's four normalization forms.
// Foundation's (CoreFoundation's) own composition is wrong beyond the basic plane: it composes U+10059 U+0308 to U+0178.
// The standard library's is right but for three Tibetan vowels, and undocumented; Foundation itself uses it.
@_spi(_Unicode) import Swift
import Foundation

/// A normalization form of Unicode Standard Annex 15.
enum NormalizationForm: String, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    /// Below this every character is its own NFC form and combines with nothing before it.
    private static let firstCombining: UInt32 = 0x300

    /// The text in this form.
    func apply(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        switch self {
        case .nfc:
            if text.allSatisfy({ $0.value < Self.firstCombining }) { return text }
            return Array(Self.string(text.flatMap(Self.splitTibetanVowel))._nfc)
        case .nfd: return Array(Self.string(text.flatMap(Self.splitTibetanVowel))._nfd)
        case .nfkc: return Array(Self.string(text.flatMap(Self.compatibilityDecomposition))._nfc)
        case .nfkd: return Array(Self.string(text.flatMap(Self.compatibilityDecomposition))._nfd)
        }
    }

    /// U+0F73, U+0F75 and U+0F81 decompose into marks of different classes, which the standard library sorts as one.
    private static func splitTibetanVowel(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        switch scalar.value {
        case 0xF73: ["\u{F71}", "\u{F72}"]
        case 0xF75: ["\u{F71}", "\u{F74}"]
        case 0xF81: ["\u{F71}", "\u{F80}"]
        default: [scalar]
        }
    }

    private static func compatibilityDecomposition(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if scalar.isASCII { return [scalar] }
        return Array(String(scalar).decomposedStringWithCompatibilityMapping.unicodeScalars)
    }

    private static func string(_ scalars: [Unicode.Scalar]) -> String {
        String(String.UnicodeScalarView(scalars))
    }
}
