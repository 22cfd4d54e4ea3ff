// Collects what a model makes of a text, word by word.

/// Ids so far, and the characters that have none.
struct EncodedPieces {
    /// The ids, in order.
    var ids: [Int32] = []
    /// Distinct unknown characters in order of appearance.
    private(set) var unknown: [Unicode.Scalar] = []
    /// What stands for a space and is never reported.
    let spaceMark: String?

    init(spaceMark: String?) {
        self.spaceMark = spaceMark
    }

    /// Notes the characters of an unknown piece.
    mutating func noteUnknown(_ text: ArraySlice<UInt8>) {
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars
        where !unknown.contains(scalar) && String(scalar) != spaceMark {
            unknown.append(scalar)
        }
    }
}
