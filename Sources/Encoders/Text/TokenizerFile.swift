// Turns the bytes of a tokenizer.json into its parts, each still to be interpreted.

/// The members of a `tokenizer.json`, the large ones already in flat arrays.
struct TokenizerFile {
    /// The pieces; empty where the file has none.
    private(set) var vocabulary = Vocabulary()
    /// The merges of a byte-pair model, else empty.
    private(set) var merges = MergeList()
    /// `model` without `vocab` and `merges`.
    private(set) var model: JSONNode
    /// Where the vocabulary stands in the file.
    private var vocabularyRange = 0..<0
    private var parts: [String: JSONNode] = [:]
    let file: String

    /// Files above this are no tokenizers: the largest in use have 35 MB.
    private static let maximumLength = 256 << 20

    /// Scans the whole file.
    init(json: UnsafeRawBufferPointer, file: String) throws(TokenizerError) {
        self.file = file
        model = JSONNode(value: .missing, key: "model", file: file)
        guard json.count <= Self.maximumLength else {
            throw TokenizerError(
                file: file, key: "file", expected: "at most \(Self.maximumLength) bytes", got: "\(json.count)")
        }
        guard String(validating: json, as: UTF8.self) != nil else {
            throw TokenizerError(file: file, key: "file", expected: "UTF-8", got: "other bytes")
        }
        var scanner = JSONScanner(json, file: file)
        try scanner.object { (scanner, key) throws(TokenizerError) in
            if key == "model" { try self.readModel(&scanner) } else { self.parts[key] = try scanner.node(key: key) }
        }
        guard scanner.peek() == nil else { throw scanner.refuse("the end of the file") }
        try refuseUnknown()
    }

    /// Whether the vocabulary is a Unigram model's: pieces with scores, or none, as in the compiled form.
    var isUnigram: Bool {
        (try? model.type()) == "Unigram" && vocabulary.logProbabilities.count == vocabulary.count
    }

    /// The file with an empty list for its vocabulary.
    func withoutVocabulary(_ json: UnsafeRawBufferPointer) -> [UInt8] {
        Array(json[..<vocabularyRange.lowerBound]) + Array("[]".utf8) + Array(json[vocabularyRange.upperBound...])
    }

    /// A member, `missing` where there is none.
    subscript(name: String) -> JSONNode {
        parts[name] ?? JSONNode(value: .missing, key: name, file: file)
    }

    private mutating func readModel(_ scanner: inout JSONScanner) throws(TokenizerError) {
        var members: [String: JSONValue] = [:]
        try scanner.object { (scanner, key) throws(TokenizerError) in
            switch key {
            case "vocab":
                _ = scanner.peek()
                let start = scanner.position
                self.vocabulary = try Vocabulary(&scanner)
                self.vocabularyRange = start..<scanner.position
            case "merges": self.merges = try MergeList(&scanner)
            default: members[key] = try scanner.node(key: "model.\(key)").value
            }
        }
        model = JSONNode(value: .object(members), key: "model", file: file)
    }

    private func refuseUnknown() throws(TokenizerError) {
        let known: Set = [
            "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
            "decoder",
        ]
        if let unknown = parts.keys.sorted().first(where: { !known.contains($0) }) {
            throw self[unknown].refuse(expected: "no such key")
        }
        guard self["version"].value == .string("1.0") else { throw self["version"].refuse(expected: "\"1.0\"") }
        if let truncation = self["truncation"].ifPresent {
            let fields = try truncation.fields(["direction", "max_length", "strategy", "stride"])
            guard fields["direction"].value == .string("Right") else {
                throw fields["direction"].refuse(expected: "\"Right\"")
            }
        }
    }
}
