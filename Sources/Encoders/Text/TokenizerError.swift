// Turns a tokenizer.json that cannot be used into one sentence that says where and why.

/// A `tokenizer.json` that is damaged, or asks for something Penumbra does not interpret.
///
/// Nothing is guessed: a tokenizer that is nearly right would give Gaussians that are nearly right.
public struct TokenizerError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The file's path as given.
    public let file: String
    /// Where in the file: `normalizer.normalizers[1].type`, or `byte 123` where it is no JSON.
    public let key: String
    /// What would have been understood there.
    public let expected: String
    /// What is there instead.
    public let got: String

    /// The sentence shown to people.
    public var description: String { "\(file): \(key): expected \(expected), got \(got)" }
}
