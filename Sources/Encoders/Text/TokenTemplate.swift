// Turns the ids of a text into a model's input: special tokens around them, cut and padded to one length.

/// The `post_processor`, `truncation` and `padding` of a tokenizer.json.
struct TokenTemplate: Sendable, Equatable {
    /// Ids before and after the text's.
    private(set) var prefix: [Int32] = []
    private(set) var suffix: [Int32] = []
    /// What fills the rest: the id that `padding` declares, else the closing special token, as SigLIP's and CLIP's
    /// tokenizers have it, else `<pad>`.
    let padID: Int32

    /// Interprets the three parts.
    init(postProcessor: JSONNode, padding: JSONNode, addedTokens: AddedTokens) throws(TokenizerError) {
        (prefix, suffix) = try postProcessor.ifPresent.map(Self.ends) ?? ([], [])
        if let padding = padding.ifPresent {
            let fields = try padding.fields(
                ["strategy", "direction", "pad_to_multiple_of", "pad_id", "pad_type_id", "pad_token"])
            guard try fields["direction"].string() == "Right" else {
                throw fields["direction"].refuse(expected: "\"Right\"")
            }
            padID = try fields["pad_id"].tokenID()
        } else if let id = suffix.last ?? addedTokens.tokens.first(where: { $0.content == "<pad>" })?.id {
            padID = id
        } else {
            throw padding.refuse(expected: "a pad id, a closing special token or a token <pad>")
        }
    }

    /// Ids that every text has: the shortest context.
    var minimumLength: Int { prefix.count + suffix.count }

    /// `length` ids: the first ones of the text between the special tokens, then padding.
    func apply(_ ids: [Int32], length: Int) -> (ids: [Int32], isTruncated: Bool) {
        let room = length - minimumLength
        precondition(room >= 0, "a context of \(length) tokens has no room for the special ones")
        var result = prefix + ids.prefix(room) + suffix
        result += Array(repeating: padID, count: length - result.count)
        return (result, ids.count > room)
    }

    private typealias Ends = (prefix: [Int32], suffix: [Int32])

    private static func ends(_ node: JSONNode) throws(TokenizerError) -> Ends {
        switch try node.type() {
        case "TemplateProcessing":
            return try template(try node.fields(["type", "single", "pair", "special_tokens"]))
        case "RobertaProcessing", "BertProcessing":
            let fields = try node.fields(["type", "sep", "cls", "trim_offsets", "add_prefix_space"])
            return ([try pairID(fields["cls"])], [try pairID(fields["sep"])])
        case "ByteLevel":
            _ = try node.fields(["type", "add_prefix_space", "trim_offsets", "use_regex"])
            return ([], [])
        case "Sequence":
            var ends: Ends = ([], [])
            for processor in try node.fields(["type", "processors"])["processors"].elements() {
                let outer = try Self.ends(processor)
                ends = (outer.prefix + ends.prefix, ends.suffix + outer.suffix)
            }
            return ends
        default:
            throw node.typeError(
                expected: "TemplateProcessing, RobertaProcessing, BertProcessing, ByteLevel or Sequence")
        }
    }

    /// The id of a pair such as `["</s>", 1]`.
    private static func pairID(_ node: JSONNode) throws(TokenizerError) -> Int32 {
        let elements = try node.elements()
        guard elements.count == 2 else { throw node.refuse(expected: "a token and its id") }
        return try elements[1].tokenID()
    }

    private static func template(_ fields: JSONFields) throws(TokenizerError) -> Ends {
        var ids: [String: [Int32]] = [:]
        for (name, node) in try fields["special_tokens"].entries() {
            var list: [Int32] = []
            for id in try node.fields(["id", "ids", "tokens"])["ids"].elements() { list.append(try id.tokenID()) }
            ids[name] = list
        }
        var ends: Ends = ([], [])
        var sequences = 0
        for item in try fields["single"].elements() {
            let kinds = try item.fields(["Sequence", "SpecialToken"])
            if let sequence = kinds["Sequence"].ifPresent {
                guard try sequence.fields(["id", "type_id"])["id"].string() == "A", sequences == 0 else {
                    throw sequence.refuse(expected: "the sequence A, once")
                }
                sequences += 1
                continue
            }
            let name = try kinds["SpecialToken"].fields(["id", "type_id"])["id"]
            guard let special = ids[try name.string()] else { throw name.refuse(expected: "one of special_tokens") }
            if sequences == 0 { ends.prefix += special } else { ends.suffix += special }
        }
        guard sequences == 1 else { throw fields["single"].refuse(expected: "the sequence A, once", got: "none") }
        return ends
    }
}
