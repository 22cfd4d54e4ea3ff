// Index folders that earlier versions wrote must be read, migrated, or refused by name, for ever.
import Engine
import Foundation
import GRDB
import Storage
import TestSupport
import Testing

@Suite struct FormatTests {
    /// The golden folders and what is to be found in each; `Tests/Fixtures/README.md` tells how they were made.
    static let goldens = ["1-first"]

    private struct Answer: Decodable {
        let path: String
        let csd: Double
        let total_variance: Double
    }

    private static func answers(_ golden: String) throws -> [Answer] {
        try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("Formats/\(golden)/answer.jsonl")))
            .split(separator: 0x0A).map { try JSONDecoder().decode(Answer.self, from: $0) }
    }

    private static func copy(_ golden: String, to folder: TemporaryFolder) throws -> String {
        let path = folder.file(".penumbra")
        try FileManager.default.copyItem(atPath: Fixtures.path("Formats/\(golden)"), toPath: path)
        return path
    }

    private func expectAnswers(_ golden: String, _ index: Index) throws {
        let results = try index.search("a dog", limit: 9).results
        let expected = try Self.answers(golden)
        #expect(results.map(\.name) == expected.map(\.path))
        for (result, answer) in zip(results, expected) {
            #expect(abs(result.csd - answer.csd) < 1e-4, "the encoder may differ in the last digits between machines")
            #expect(result.totalVariance == answer.total_variance)
        }
    }

    @Test(arguments: goldens) func earlierFoldersAreMigratedAndAnswerAsBefore(golden: String) throws {
        let folder = try TemporaryFolder()
        let index = try Index(at: Self.copy(golden, to: folder))
        try expectAnswers(golden, index)
        #expect(try index.verify().damages.isEmpty)
        let stored = try index.store.readCatalogue { database in
            try Double.fetchAll(database, sql: "SELECT total_variance FROM item ORDER BY id")
        }
        #expect(stored.sorted() == (try Self.answers(golden).map(\.total_variance).sorted()))
        try expectAnswers(golden, Index(at: folder.file(".penumbra")))
    }

    @Test(arguments: goldens) func whatCannotBeWrittenIsMigratedInACopy(golden: String) throws {
        let folder = try TemporaryFolder()
        let path = try Self.copy(golden, to: folder)
        let file = "\(path)/\(IndexStore.catalogueName)"
        let before = try Data(contentsOf: URL(fileURLWithPath: file))
        // Tests may run as root, whom no permission stops: a file system without writing needs the library's word.
        let store = try IndexStore(path: path, isReadOnly: true)
        let count = try store.readCatalogue { try Int.fetchOne($0, sql: "SELECT count(*) FROM folder") }
        #expect(count == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
    }

    @Test func aNewerFormatIsRefusedByName() throws {
        let folder = try TemporaryFolder()
        let path = try Self.copy("1-first", to: folder)
        try DatabaseQueue(path: "\(path)/\(IndexStore.catalogueName)").write {
            try $0.execute(sql: "UPDATE state SET format = 2")
        }
        #expect(throws: StorageError.newerFormat(path: path, got: 2, supported: 1)) { try Index(at: path) }
    }
}
