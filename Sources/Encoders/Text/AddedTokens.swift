// Turns text into the special tokens that stand in it and the stretches between them.

/// The `added_tokens` of a tokenizer.json: strings that are one token wherever they stand.
struct AddedTokens: Sendable {
    /// One of them.
    struct Token: Sendable {
        let id: Int32
        let content: String
        let isSingleWord: Bool
        let takesLeftSpace: Bool
        let takesRightSpace: Bool
        /// Whether it is looked for in normalized text, in its own normalized form.
        let isNormalized: Bool
    }

    /// A stretch of text, or a token found.
    enum Part {
        case text(String, isFirst: Bool)
        case token(Int32)
    }

    /// All tokens, in the file's order.
    let tokens: [Token]
    private let raw: Finder
    private let normalized: Finder

    /// Interprets the JSON list.
    init(_ node: JSONNode, normalizer: Normalizer) throws(TokenizerError) {
        var tokens: [Token] = []
        for element in try node.ifPresent?.elements() ?? [] {
            let fields = try element.fields(
                ["id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"])
            let content = try fields["content"].string()
            guard !content.isEmpty else { throw fields["content"].refuse(expected: "a text that is not empty") }
            tokens.append(
                Token(
                    id: try fields["id"].tokenID(), content: content,
                    isSingleWord: try fields["single_word"].boolean(),
                    takesLeftSpace: try fields["lstrip"].boolean(),
                    takesRightSpace: try fields["rstrip"].boolean(),
                    isNormalized: try fields["normalized"].boolean()))
        }
        self.tokens = tokens
        raw = Finder(tokens.filter { !$0.isNormalized }) { $0 }
        normalized = Finder(tokens.filter(\.isNormalized)) { normalizer.apply($0) }
    }

    /// Finds raw tokens in the text, normalizes what lies between, and finds the others there.
    func split(_ text: String, normalizer: Normalizer) -> [Part] {
        raw.split(text, isFirst: true).flatMap { part in
            guard case .text(let text, let isFirst) = part else { return [part] }
            return normalized.split(normalizer.apply(text), isFirst: isFirst)
        }
    }
}

extension AddedTokens {
    /// Looks for several strings at once: the leftmost, and of those the longest.
    private struct Finder: Sendable {
        private let tokens: [Token]
        private var trie = ByteTrie()

        init(_ tokens: [Token], form: (String) -> String) {
            self.tokens = tokens
            for (index, token) in tokens.enumerated() {
                let content = form(token.content)
                if !content.isEmpty { trie.insert(content.utf8, value: Int32(index)) }
            }
        }

        func split(_ text: String, isFirst: Bool) -> [Part] {
            guard !text.isEmpty else { return [] }
            let utf8 = Array(text.utf8)
            var parts: [Part] = []
            var end = 0
            var index = 0
            while index < utf8.count, !tokens.isEmpty {
                guard let (token, length) = longest(in: utf8, at: index) else {
                    index += 1
                    continue
                }
                let match = index..<(index + length)
                index += length
                guard let range = extent(of: match, token, in: utf8, after: end) else { continue }
                if range.lowerBound > end { parts.append(Self.text(utf8[end..<range.lowerBound], isFirst)) }
                parts.append(.token(token.id))
                end = range.upperBound
                index = max(index, end)
            }
            if end == 0 { return [.text(text, isFirst: isFirst)] }
            return end < utf8.count ? parts + [Self.text(utf8[end...], isFirst)] : parts
        }

        private func longest(in utf8: [UInt8], at start: Int) -> (token: Token, length: Int)? {
            var node = ByteTrie.root
            var found: (token: Token, length: Int)?
            for index in start..<utf8.count {
                guard let next = trie.child(of: node, utf8[index]) else { break }
                node = next
                if let value = trie.value(at: node) { found = (tokens[Int(value)], index - start + 1) }
            }
            return found
        }

        /// The match and the white space it takes; nil where a single word was asked for and it is part of one.
        private func extent(of match: Range<Int>, _ token: Token, in utf8: [UInt8], after end: Int) -> Range<Int>? {
            guard token.isSingleWord || token.takesLeftSpace || token.takesRightSpace else { return match }
            let before = String(decoding: utf8[..<match.lowerBound], as: UTF8.self).unicodeScalars
            let after = String(decoding: utf8[match.upperBound...], as: UTF8.self).unicodeScalars
            if token.isSingleWord {
                let touches = [before.last, after.first].contains { $0.map(CharacterClass.isWord) ?? false }
                if touches { return nil }
            }
            let isSpace: (Unicode.Scalar) -> Bool = \.properties.isWhitespace
            let left = token.takesLeftSpace ? Self.width(before.reversed().prefix(while: isSpace)) : 0
            let right = token.takesRightSpace ? Self.width(after.prefix(while: isSpace)) : 0
            return max(match.lowerBound - left, end)..<(match.upperBound + right)
        }

        private static func width(_ scalars: some Sequence<Unicode.Scalar>) -> Int {
            scalars.reduce(0) { $0 + UTF8.width($1) }
        }

        private static func text(_ utf8: ArraySlice<UInt8>, _ isFirst: Bool) -> Part {
            .text(String(decoding: utf8, as: UTF8.self), isFirst: isFirst && utf8.startIndex == 0)
        }
    }
}
