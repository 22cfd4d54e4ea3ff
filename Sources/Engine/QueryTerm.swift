// What people type to the terms of a query: texts, pictures and vectors, each with a weight.
import Corpus
import Encoders
import Glibc

/// One term of a query.
public struct QueryTerm: Sendable, Equatable {
    /// What a term is.
    public enum Content: Sendable, Equatable {
        /// Words.
        case text(String)
        /// A picture file, by its path, raw bytes.
        case picture([UInt8])
        /// A row, from 0, of a file that `penumbra encode` wrote.
        case vector(path: String, row: Int)
    }

    /// What it is.
    public var content: Content
    /// How much it counts; negative to lead away from it.
    public var weight: Double

    /// Pairs a content with a weight.
    public init(_ content: Content, weight: Double = 1) {
        self.content = content
        self.weight = weight
    }

    /// Reads the arguments of a command: bare words are one text, joined by spaces; `image:PATH`, `vector:FILE#ROW`,
    /// `text:WORDS` and paths of pictures are terms of their own.
    ///
    /// A path of a picture ends in a known extension, or has a `/` and leads to a file: a bare word stays a word whatever
    /// files there are.
    /// - Parameter arguments: raw bytes, since file names need not be UTF-8.
    /// - Returns: the terms, each of weight 1, the bare words first.
    /// - Throws: `QueryError` for an `image:` without a path or a `vector:` without a row.
    public static func terms(of arguments: [[UInt8]]) throws(QueryError) -> [QueryTerm] {
        var words: [String] = []
        var terms: [QueryTerm] = []
        for argument in arguments {
            if let content = try content(of: argument) {
                terms.append(QueryTerm(content))
            } else {
                words.append(String(decoding: argument, as: UTF8.self))
            }
        }
        let text = words.joined(separator: " ")
        let isBlank = text.allSatisfy(\.isWhitespace)
        return (isBlank && !terms.isEmpty ? [] : [QueryTerm(.text(text))]) + terms
    }

    /// Reads a term with an optional weight: `0.5:people`, `image:pool.jpg`, `2:image:pool.jpg`; behind `text:` nothing is
    /// parsed.
    /// - Parameters:
    ///   - argument: raw bytes.
    ///   - sign: 1 or -1.
    /// - Throws: `QueryError` for an `image:` without a path or a `vector:` without a row.
    public init(weighted argument: [UInt8], sign: Double) throws(QueryError) {
        var rest = argument[...]
        var weight = 1.0
        if let colon = argument.firstIndex(of: 0x3A), let value = Self.weight(argument[..<colon]) {
            weight = value
            rest = argument[(colon + 1)...]
        }
        let content = try Self.content(of: Array(rest)) ?? .text(String(decoding: rest, as: UTF8.self))
        self.init(content, weight: sign * weight)
    }

    /// A decimal number: digits with at most one point.
    private static func weight(_ bytes: ArraySlice<UInt8>) -> Double? {
        guard bytes.contains(where: { (0x30...0x39).contains($0) }),
            bytes.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E })
        else { return nil }
        return Double(String(decoding: bytes, as: UTF8.self)).flatMap { $0.isFinite ? $0 : nil }
    }

    /// What an argument is besides bare words, or nil.
    private static func content(of argument: [UInt8]) throws(QueryError) -> Content? {
        if let rest = rest(of: argument, "text:") { return .text(String(decoding: rest, as: UTF8.self)) }
        if let rest = rest(of: argument, "image:") {
            if rest.isEmpty { throw .badTerm("image", "needs the path of a picture behind the colon") }
            return .picture(rest)
        }
        if let rest = rest(of: argument, "vector:") {
            guard let hash = rest.lastIndex(of: 0x23),
                let row = Int(String(decoding: rest[(hash + 1)...], as: UTF8.self)), row >= 0
            else {
                throw .badTerm(
                    String(decoding: argument, as: UTF8.self), "needs the row, from 0: vector:FILE.safetensors#ROW")
            }
            return .vector(path: String(decoding: rest[..<hash], as: UTF8.self), row: row)
        }
        if PictureKind(fileName: argument) == .candidate { return .picture(argument) }
        return argument.contains(0x2F) && isFile(argument) ? .picture(argument) : nil
    }

    private static func rest(of argument: [UInt8], _ prefix: String) -> [UInt8]? {
        argument.starts(with: prefix.utf8) ? Array(argument.dropFirst(prefix.utf8.count)) : nil
    }

    private static func isFile(_ path: [UInt8]) -> Bool {
        var status = stat()
        let name = (path + [0]).map { CChar(bitPattern: $0) }
        return name.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return false }
            return stat(base, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        }
    }
}

/// A query that cannot be answered.
public enum QueryError: Error, CustomStringConvertible, Sendable, Equatable {
    /// Nothing is left of the words once they are cleaned as the model asks: punctuation and spaces alone.
    case empty
    /// The terms cancel each other: what is left has no direction.
    case cancelled
    /// A term that cannot be read, and why.
    case badTerm(String, String)
    /// A picture or file that a term names cannot be read, and why.
    case unreadable(String, String)
    /// A question about one text or one picture was asked about both together.
    case mixed
    /// A probability was asked for where none is defined.
    case noProbability
    /// A condition was set on the lexicon, which has no fields.
    case noFields
    /// A condition that was read for another collection.
    case foreignFilter(Collection)
    /// A picture was asked for, and something else was given.
    case noPicture

    /// The sentence shown to people.
    public var description: String {
        switch self {
        case .empty: "the query is empty: the model sees neither punctuation nor spaces"
        case .cancelled: "the terms of the query cancel each other: nothing is left to look for"
        case .badTerm(let term, let reason): "\(term): \(reason)"
        case .unreadable(let file, let reason): "\(file): \(reason)"
        case .mixed: "ask about a text or a picture, not about both together"
        case .noProbability: "a match probability exists between a picture and a text only"
        case .noFields:
            "--where is about the index, and the lexicon, which answers in place of texts, has no fields: add --in images, or "
                + "--lexicon off"
        case .foreignFilter(let collection): "the condition was not read for \(collection)"
        case .noPicture: "this asks about pictures; ask about a text with penumbra search, general or specific"
        }
    }

    /// Whether the query was typed wrongly, rather than a file be at fault.
    public var isUsage: Bool { if case .unreadable = self { false } else { true } }
}

extension QueryTerm {
    /// What a command that wants a picture is given: a path, `image:PATH`, or a row of a file of vectors.
    /// - Parameter argument: raw bytes.
    /// - Returns: the term, of weight 1.
    /// - Throws: `QueryError` for an `image:` without a path or a `vector:` without a row.
    public static func picture(_ argument: [UInt8]) throws(QueryError) -> QueryTerm {
        let terms = try terms(of: [argument])
        if let term = terms.first, case .text = term.content { return QueryTerm(.picture(argument)) }
        return terms[0]
    }
}
