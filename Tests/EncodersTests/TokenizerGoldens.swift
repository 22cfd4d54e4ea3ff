// Reads the tokenizer fixtures: texts and what the reference makes of them.
import Encoders
import Foundation
import TestSupport

/// `Tests/Fixtures/tokenizer/goldens.json`.
struct TokenizerGoldens: Decodable {
    struct Case: Decodable {
        let name: String
        let text: String
        let canonical: String
        let ids16: [Int32]
        let ids64: [Int32]
    }

    let cases: [Case]

    /// All cases but those that need the repair of mojibake, which Penumbra does not do.
    static func load() throws -> TokenizerGoldens {
        let goldens = try decode(TokenizerGoldens.self, "tokenizer/goldens.json")
        return TokenizerGoldens(cases: goldens.cases.filter { !$0.name.hasPrefix("mojibake") })
    }

    static func decode<T: Decodable>(_ type: T.Type, _ path: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: Fixtures.path(path))))
    }
}

extension Tokenizer {
    /// Reads the tokenizer at a path.
    init(path: String) throws {
        let file = try MappedFile(path: path)
        self = try withExtendedLifetime(file) { try Tokenizer(json: file.bytes, file: path) }
    }

    /// Reads a tokenizer from text, as the file "t.json".
    init(text: String) throws {
        self = try Data(text.utf8).withUnsafeBytes { try Tokenizer(json: $0, file: "t.json") }
    }
}
