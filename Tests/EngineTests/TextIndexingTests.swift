// Files of texts to items: what is encoded, kept, linked, removed, and remembered as failed.
import Engine
import Foundation
import GRDB
import Gaussians
import Storage
import TestSupport
import Testing

@Suite struct TextIndexingTests {
    let pictures: Pictures

    init() throws { pictures = try Pictures() }

    private func write(_ name: String, _ text: String) throws { try pictures.folder.write(name, Array(text.utf8)) }

    private func update(_ name: String, _ options: TextOptions = TextOptions(jobs: 2)) async throws -> TextSummary {
        try await pictures.index.updateTexts(from: pictures.folder.file(name), options)
    }

    /// Texts with the pictures they are linked to.
    private func stored() throws -> [String: [String]] {
        try IndexStore(path: pictures.index.folder).readCatalogue { database in
            var links: [String: [String]] = [:]
            for source in try Catalogue.sources(database) {
                try Catalogue.forEachItem(.texts, source, database) { item in
                    links[String(decoding: item.name, as: UTF8.self)] = try Catalogue.links(of: item.id, database)
                        .map { String(decoding: $0, as: UTF8.self) }
                }
            }
            return links
        }
    }

    private func identities() throws -> [String: ItemID] {
        try IndexStore(path: pictures.index.folder).readCatalogue { database in
            var items: [String: ItemID] = [:]
            for source in try Catalogue.sources(database) {
                try Catalogue.forEachItem(.texts, source, database) {
                    items[String(decoding: $0.name, as: UTF8.self)] = $0.id
                }
            }
            return items
        }
    }

    @Test func equalLinesAreOneItemWithSeveralLinks() async throws {
        try write("c.csv", "file,caption\na.jpg,a dog\n./b/c.jpg,a dog\n,a cat\n\(pictures.root)/d.jpg,a cat\n")
        let summary = try await update("c.csv")
        #expect(summary.added == 2 && summary.total == 2 && summary.failures.count == 0)
        #expect(try stored() == ["a dog": ["a.jpg", "b/c.jpg"], "a cat": ["d.jpg"]])
        #expect(try pictures.index.verify().damages.isEmpty)
    }

    @Test func theStoredGaussianIsTheText() async throws {
        try write("a.txt", "a dog\na red boat on the sea\n")
        _ = try await update("a.txt")
        let model = try pictures.index.model()
        let expected = try model.encode(texts: ["a dog", "a red boat on the sea"])
        let gaussians = try IndexStore(path: pictures.index.folder).read { snapshot in
            var gaussians: [Gaussian] = []
            try snapshot.forEachBlock(in: .texts) { block in
                for slot in 0..<block.count {
                    gaussians.append(
                        try snapshot.gaussian(.texts, at: Placement(block: block.number, slot: slot)))
                }
            }
            return gaussians
        }
        #expect(gaussians == expected, "in the order of the file")
    }

    @Test func unchangedFilesAreNotReadAndChangedOnesOnlyWhereTheyChanged() async throws {
        try write("a.txt", "one dog\ntwo dogs\nthree dogs\n")
        #expect(try await update("a.txt").added == 3)
        let before = try identities()
        let again = try await update("a.txt")
        #expect(again.unchanged == 3 && again.added == 0 && again.total == 3)

        try pictures.touch("a.txt", 1_000)
        #expect(try await update("a.txt").unchanged == 3, "only its times changed")

        try write("a.txt", "three dogs\nfour dogs\none dog\n")
        let changed = try await update("a.txt")
        #expect(changed.added == 1 && changed.removed == 1 && changed.unchanged == 2 && changed.total == 3)
        let after = try identities()
        #expect(after["one dog"] == before["one dog"] && after["three dogs"] == before["three dogs"])
        #expect(after["two dogs"] == nil)
    }

    @Test func linksFollowTheFile() async throws {
        try write("a.csv", "text,image\na dog,a.jpg\na cat,b.jpg\na bird,c.jpg\n")
        _ = try await update("a.csv")
        try write("a.csv", "text,image\na dog,a.jpg\na cat,c.jpg\na cat,b.jpg\na bird,\n")
        let summary = try await update("a.csv")
        #expect(summary.relinked == 2 && summary.unchanged == 1 && summary.added == 0)
        #expect(try stored() == ["a dog": ["a.jpg"], "a cat": ["b.jpg", "c.jpg"], "a bird": []])
    }

    @Test func otherColumnsReadTheFileAgain() async throws {
        try write("a.tsv", "text\ttitle\nlong text\tshort\n")
        _ = try await update("a.tsv")
        let summary = try await update("a.tsv", TextOptions(textColumn: "title", jobs: 1))
        #expect(summary.added == 1 && summary.removed == 1)
        #expect(try stored().keys.sorted() == ["short"])
    }

    @Test func filesAreSourcesOfTheirOwnAndAScanTouchesNone() async throws {
        try write("a.txt", "a dog\na cat\n")
        try write("b.jsonl", "{\"text\": \"a dog\"}\n")
        _ = try await update("a.txt")
        #expect(try await update("b.jsonl").total == 3)
        try pictures.write(0, "p.jpg")
        #expect(try await pictures.update().counts == "1 added")
        #expect(try pictures.index.status().texts == 3)
        try write("b.jsonl", "")
        #expect(try await update("b.jsonl").total == 2)
    }

    @Test func whatCannotBeEncodedIsRememberedAndForgottenWithItsRow() async throws {
        try write("a.jsonl", "{\"text\": \"a dog\"}\nnonsense\n{\"text\": \"!!!\"}\n{\"text\": \"a cat\"}\n")
        let summary = try await update("a.jsonl")
        #expect(summary.added == 2 && summary.failures.count == 2)
        #expect(summary.failures.first[0] == "line 2: not valid JSON")
        #expect(summary.failures.first[1].hasPrefix("line 3: nothing is left of it"))
        let again = try await update("a.jsonl")
        #expect(again.stillFailing == 2 && again.failures.count == 0 && again.unchanged == 2)
        var options = TextOptions(jobs: 1)
        options.retriesFailed = true
        #expect(try await update("a.jsonl", options).failures.count == 2)
        try write("a.jsonl", "{\"text\": \"a dog\"}\n")
        #expect(try await update("a.jsonl").stillFailing == 0)
        #expect(try await update("a.jsonl").stillFailing == 0)
    }

    @Test func cutTextsAndUnknownCharactersAreCounted() async throws {
        let long = String(repeating: "a very long caption ", count: 60)
        try write("a.txt", "\(long)\na dog \u{13000}\n")
        let summary = try await update("a.txt")
        #expect(summary.added == 2)
        #expect(summary.truncated.count == 1 && summary.truncated.first == [long])
        #expect(summary.unknownCharacters.first == ["\u{13000}"])
    }

    @Test func aBrokenFileDeletesNothing() async throws {
        try write("a.csv", "text\na dog\na cat\n")
        _ = try await update("a.csv")
        try write("a.csv", "text\na bird\n\"a cat\n")
        await #expect(throws: (any Error).self) { try await update("a.csv") }
        #expect(try stored().keys.sorted() == ["a cat", "a dog"])
        try pictures.remove("a.csv")
        await #expect(throws: (any Error).self) { try await update("a.csv") }
        #expect(try stored().keys.sorted() == ["a cat", "a dog"])
    }

    @Test func aCancelledRunKeepsWhatItCommittedAndTheNextGoesOn() async throws {
        try write("a.txt", (0..<600).map { "number \($0)\n" }.joined())
        let index = pictures.index
        let path = pictures.folder.file("a.txt")
        let task = Task {
            try await index.updateTexts(from: path, TextOptions(jobs: 1)) { progress in
                if progress.done >= 64 { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        let summary = try await task.value
        #expect(summary.wasInterrupted)
        #expect(summary.added >= 64 && summary.added < 600 && summary.total == summary.added)
        let rest = try await update("a.txt")
        #expect(rest.added == 600 - summary.added && rest.unchanged == summary.added && rest.total == 600)
        #expect(try pictures.index.verify().damages.isEmpty)
    }

    @Test func theRootMayMoveWithItsTexts() async throws {
        try write("notes/a.txt", "a dog\n")
        _ = try await update("notes/a.txt")
        let names = try IndexStore(path: pictures.index.folder).readCatalogue {
            try Catalogue.sources($0).filter { $0.kind == .texts }.map(\.name)
        }
        #expect(names == ["notes/a.txt"])
    }

    @Test func aFileThatLostATextIsReadAgain() async throws {
        try write("a.txt", "a dog\na cat\n")
        _ = try await update("a.txt")
        let item = try #require(try identities()["a cat"])
        var batch = Batch()
        batch.collection = .texts
        batch.removals = [item]
        try IndexWriter(IndexStore(path: pictures.index.folder)).commit(batch)
        let summary = try await update("a.txt")
        #expect(summary.added == 1 && summary.unchanged == 1)
    }
}
