// Turns a small JSON value into what the tokenizer needs of it, or says by its key what is wrong with it.

/// A JSON value of the small parts of `tokenizer.json`; vocabularies never become one.
enum JSONValue: Sendable, Equatable {
    case missing
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// How a message names it.
    fileprivate var summary: String {
        switch self {
        case .missing: "nothing"
        case .null: "null"
        case .boolean(let value): "\(value)"
        case .number(let value): value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
        case .string(let value): "\"\(value.count > 40 ? value.prefix(40) + "…" : value[...])\""
        case .array(let values): "a list of \(values.count)"
        case .object: "an object"
        }
    }
}

/// A value and where it stands, for messages.
struct JSONNode {
    let value: JSONValue
    /// The path from the top, for example `normalizer.normalizers[1]`.
    let key: String
    let file: String

    /// An error about this value.
    func refuse(expected: String, got: String? = nil) -> TokenizerError {
        TokenizerError(file: file, key: key, expected: expected, got: got ?? value.summary)
    }

    /// Itself, or nil where the key is missing or null.
    var ifPresent: JSONNode? { value == .missing || value == .null ? nil : self }

    func string() throws(TokenizerError) -> String {
        guard case .string(let value) = value else { throw refuse(expected: "a string") }
        return value
    }

    func boolean() throws(TokenizerError) -> Bool {
        guard case .boolean(let value) = value else { throw refuse(expected: "true or false") }
        return value
    }

    /// A token id: a whole number from 0 that fits Int32.
    func tokenID() throws(TokenizerError) -> Int32 {
        guard case .number(let value) = value, let id = Int32(exactly: value), id >= 0 else {
            throw refuse(expected: "a token id")
        }
        return id
    }

    func elements() throws(TokenizerError) -> [JSONNode] {
        guard case .array(let values) = value else { throw refuse(expected: "a list") }
        return values.enumerated().map { JSONNode(value: $1, key: "\(key)[\($0)]", file: file) }
    }

    /// The members of an object that may have only these keys.
    func fields(_ known: Set<String>) throws(TokenizerError) -> JSONFields {
        guard case .object(let members) = value else { throw refuse(expected: "an object") }
        let fields = JSONFields(members: members, node: self)
        if let unknown = members.keys.sorted().first(where: { !known.contains($0) }) {
            throw fields[unknown].refuse(expected: "no such key")
        }
        return fields
    }

    /// An error about the value of `type`.
    func typeError(expected: String) -> TokenizerError {
        guard case .object(let members) = value else { return refuse(expected: "an object") }
        return JSONFields(members: members, node: self)["type"].refuse(expected: expected)
    }

    /// The `type` that every part of a tokenizer names.
    func type() throws(TokenizerError) -> String {
        guard case .object(let members) = value else { throw refuse(expected: "an object") }
        return try JSONFields(members: members, node: self)["type"].string()
    }
}

/// The members of an object.
struct JSONFields {
    fileprivate let members: [String: JSONValue]
    fileprivate let node: JSONNode

    subscript(name: String) -> JSONNode {
        let key = node.key.isEmpty ? name : "\(node.key).\(name)"
        return JSONNode(value: members[name] ?? .missing, key: key, file: node.file)
    }

    /// All members, by name.
    var all: [(name: String, node: JSONNode)] { members.keys.sorted().map { ($0, self[$0]) } }
}

extension JSONNode {
    /// The members of an object whose keys are data.
    func entries() throws(TokenizerError) -> [(name: String, node: JSONNode)] {
        guard case .object(let members) = value else { throw refuse(expected: "an object") }
        return JSONFields(members: members, node: self).all
    }
}

extension JSONScanner {
    /// Any value, as a node named `key`.
    mutating func node(key: String) throws(TokenizerError) -> JSONNode {
        JSONNode(value: try value(depth: 0), key: key, file: file)
    }

    /// Steps over any value.
    mutating func skip() throws(TokenizerError) { _ = try value(depth: 0) }

    /// An object of strings; nil, stepping over it, where it is something else.
    mutating func strings() throws(TokenizerError) -> [String: String]? {
        guard peek() == UInt8(ascii: "{") else {
            try skip()
            return nil
        }
        var members: [String: String]? = [:]
        try object { (scanner, key) throws(TokenizerError) in
            guard scanner.peek() == UInt8(ascii: "\"") else {
                try scanner.skip()
                members = nil
                return
            }
            let value = try scanner.string()
            members?[key] = value
        }
        return members
    }

    private mutating func value(depth: Int) throws(TokenizerError) -> JSONValue {
        guard depth < Self.maximumDepth else { throw refuse("at most \(Self.maximumDepth) levels") }
        switch peek() {
        case UInt8(ascii: "{"):
            var members: [String: JSONValue] = [:]
            try object { (scanner, key) throws(TokenizerError) in
                members[key] = try scanner.value(depth: depth + 1)
            }
            return .object(members)
        case UInt8(ascii: "["):
            var values: [JSONValue] = []
            try array { (scanner, _) throws(TokenizerError) in values.append(try scanner.value(depth: depth + 1)) }
            return .array(values)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(TokenizerError) -> JSONValue {
        for character in word.description { try expect(character) }
        return value
    }
}
