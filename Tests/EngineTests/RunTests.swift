// A run that reports progress, is cancelled, and goes on; and answers that equal a brute-force ranking.
import Engine
import Foundation
import Gaussians
import Storage
import TestSupport
import Testing

@Suite struct RunTests {
    /// Collects what a callback on one task says.
    final class Log: @unchecked Sendable {
        var steps: [IndexingProgress] = []
    }

    func many(_ count: Int) throws -> Pictures {
        let pictures = try Pictures()
        let content = try (0..<4).map(Pictures.content)
        for number in 0..<count {
            // Bytes after the end marker: other content, the same picture.
            try pictures.folder.write("\(number % 3)/\(number).jpg", content[number % 4] + [UInt8(number)])
        }
        return pictures
    }

    @Test func progressNeverGoesBackAndArrives() async throws {
        let pictures = try many(40)
        let log = Log()
        let summary = try await pictures.index.update(IndexingOptions(jobs: 3)) { log.steps.append($0) }
        #expect(summary.counts == "40 added")
        let done = log.steps.map(\.done)
        #expect(done == done.sorted() && done.last == 40 && done.count > 1)
        #expect(log.steps.allSatisfy { $0.total == 40 })
    }

    @Test func progressArrivesAlsoWhereContentIsKnown() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 1, "c.jpg": 2])
        let log = Log()
        _ = try await pictures.index.update(IndexingOptions(jobs: 1)) { log.steps.append($0) }
        #expect(log.steps.last?.total == 3)
        #expect(log.steps.last?.done == 3)
    }

    @Test func aCancelledRunKeepsWhatItDidAndTheNextCompletes() async throws {
        let pictures = try many(120)
        try pictures.folder.write("gone.jpg", Pictures.content(5))
        try await pictures.update()
        // All but one are to be done anew, and one more has vanished.
        for number in 1..<120 {
            try pictures.folder.write("\(number % 3)/\(number).jpg", Pictures.content(number % 4) + [1, UInt8(number)])
        }
        try pictures.remove("gone.jpg")
        let index = pictures.index
        let log = Log()
        let task = Task {
            try await index.update(IndexingOptions(jobs: 1)) { progress in
                log.steps.append(progress)
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        let summary = try await task.value
        #expect(summary.wasInterrupted)
        #expect(summary.changed > 0 && summary.changed < 119)
        #expect(summary.removed == 0, "an interrupted run deletes nothing")
        #expect(summary.total == 121)
        let second = try await pictures.update()
        #expect(second.changed == 119 - summary.changed && second.removed == 1)
        #expect(second.total == 120 && !second.wasInterrupted)
        #expect(try await pictures.update().counts == "120 unchanged")
    }

    @Test func aTaskCancelledBeforehandDoesNothing() async throws {
        let pictures = try many(8)
        let index = pictures.index
        let summary = try await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await index.update(IndexingOptions(jobs: 1))
        }.value
        #expect(summary.wasInterrupted && summary.total == 0)
        #expect(try await pictures.update().counts == "8 added")
    }

    @Test(arguments: ["a green lamp", "a black dog on a city street", "animal", "x"])
    func resultsEqualABruteForceRanking(_ words: String) async throws {
        let pictures = try Pictures()
        for number in 0..<24 { try pictures.write(number * 9, "p\(number).jpg") }
        try await pictures.update()
        let model = try pictures.index.model()
        let query = try #require(try model.encode(texts: [words]).first)
        let answer = try pictures.index.search(words, limit: 30)
        #expect(answer.query.gaussian == query && answer.scanned == 24 && answer.warnings.isEmpty)
        let expected = try (0..<24).map { number in
            let name = "p\(number).jpg"
            let gaussian = try model.encode(pictureAt: pictures.folder.file(name))
            return (name: name, csd: query.csd(to: gaussian), totalVariance: gaussian.totalVariance)
        }.sorted { $0.csd < $1.csd }
        #expect(answer.results.map(\.name) == expected.map(\.name))
        #expect(answer.results.map(\.csd) == expected.map(\.csd), "to the bit")
        #expect(answer.results.map(\.rank) == Array(1...24))
        for (result, reference) in zip(answer.results, expected) {
            #expect(abs(result.totalVariance - reference.totalVariance) <= 1e-12)
            let probability = try #require(result.matchProbability)
            #expect(probability > 0 && probability < 1)
        }
        let probabilities = answer.results.compactMap(\.matchProbability)
        #expect(try #require(probabilities.first) > #require(probabilities.last), "closer is more probable")
        #expect(try pictures.index.search(words, limit: 5).results == Array(answer.results.prefix(5)))
        #expect(try pictures.index.search(words, limit: 0).results.isEmpty)
    }

    @Test func equalPicturesAreTiedInOrderOfArrival() async throws {
        let pictures = try Pictures(["b.jpg": 1])
        try await pictures.update()
        try pictures.write(1, "a.jpg")
        try await pictures.update()
        let results = try pictures.index.search("a lamp").results
        #expect(results.map(\.name) == ["b.jpg", "a.jpg"])
        #expect(results[0].csd == results[1].csd)
    }

    @Test func longAndStrangeQueriesWarn() async throws {
        let pictures = try Pictures(["a.jpg": 1])
        try await pictures.update()
        let long = try pictures.index.search(String(repeating: "dog ", count: 200))
        #expect(long.warnings == ["the query is longer than the model's context; its end was not looked at"])
        let plain = try pictures.index.search("dog")
        #expect(plain.warnings.isEmpty)
    }
}
