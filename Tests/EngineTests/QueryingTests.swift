// Searches: composed queries, pages, orders, cuts, explanations, the lexicon, and files of queries.
import Engine
import Foundation
import Gaussians
import Storage
import TestSupport
import Testing

@Suite struct QueryingTests {
    /// Synthetic pictures and texts of the built-in model's dimension.
    private func index(_ images: Int, texts: Int = 0) throws -> (Index, TemporaryFolder) {
        let folder = try TemporaryFolder()
        let index = try Index.create(at: folder.file(".penumbra"), root: folder.path, model: .builtin())
        var generator = SeededGenerator(seed: 21)
        let dimension = try index.model().dimension
        let writer = try IndexWriter(IndexStore(path: index.folder))
        for (collection, count) in [(Engine.Collection.images, images), (.texts, texts)] {
            var batch = Batch()
            batch.collection = collection
            if collection == .texts { batch.source = Source(kind: .texts, name: "t") }
            batch.additions = (0..<count).map { number in
                NewItem(
                    name: Array("\(collection) \(number)".utf8), file: nil,
                    vector: .gaussian(generator.gaussian(dimension: dimension, logVariance: -8 + generator.normal())))
            }
            try writer.commit(batch)
        }
        return (index, folder)
    }

    private func query(_ index: Index, _ kind: QueryKind = .text, seed: UInt64 = 1) throws -> Query {
        var generator = SeededGenerator(seed: seed)
        return Query(generator.gaussian(dimension: try index.model().dimension), kind: kind)
    }

    @Test func pagesTileTheWholeList() throws {
        let (index, folder) = try index(300)
        defer { withExtendedLifetime(folder) {} }
        let query = try query(index)
        let whole = try index.search(query, SearchOptions(limit: 1_000)).results
        #expect(whole.count == 300)
        for size in [1, 7, 100, 299, 300] {
            var tiled: [SearchResult] = []
            while tiled.count < 300 {
                var options = SearchOptions(limit: size)
                options.offset = tiled.count
                tiled += try index.search(query, options).results
            }
            #expect(tiled == whole)
        }
        var beyond = SearchOptions(limit: 5)
        beyond.offset = .max
        #expect(try index.search(query, beyond).results.isEmpty)
    }

    @Test(arguments: SearchOrder.allCases, [QueryKind.text, .picture])
    func sortingArrangesAllThatIsLeftAndPagesTileIt(_ order: SearchOrder, _ kind: QueryKind) throws {
        let (index, folder) = try index(100)
        defer { withExtendedLifetime(folder) {} }
        let query = try query(index, kind)
        var options = SearchOptions(limit: 1_000)
        // Against pictures the phrases of the lexicon answer: they have no times, and no row in the catalogue.
        if kind == .picture {
            options.collection = .texts
            options.lexicon = try Lexicon.load(index.model())
        }
        let closest = try index.search(query, options).results
        options.order = order
        let sorted = try index.search(query, options).results
        #expect(sorted.sorted { $0.rank < $1.rank } == closest && closest.count >= 100)
        switch order {
        case .csd: #expect(sorted == closest)
        case .uncertainty: #expect(sorted.map(\.totalVariance) == sorted.map(\.totalVariance).sorted())
        case .path: #expect(sorted.map(\.name) == sorted.map(\.name).sorted())
        case .taken: #expect(sorted == closest, "no time is known: ties stay by rank")
        }
        options.isReversed = true
        let reversed = try index.search(query, options).results
        if order != .taken || kind == .picture { #expect(reversed == sorted.reversed()) }
        for (isReversed, whole) in [(false, sorted), (true, reversed)] {
            options.isReversed = isReversed
            options.limit = 33
            var tiled: [SearchResult] = []
            while tiled.count < whole.count {
                options.offset = tiled.count
                tiled += try index.search(query, options).results
            }
            #expect(tiled == whole)
        }
    }

    @Test func aDescriptionNumbersItsPlacesAndHoldsNothingHalfAsProbableAsTheBest() throws {
        let (index, folder) = try index(3)
        defer { withExtendedLifetime(folder) {} }
        let lexicon = try Lexicon.load(index.model())
        var generator = SeededGenerator(seed: 8)
        let picture = generator.gaussian(dimension: try index.model().dimension, logVariance: -6.6)
        let query = Query(picture, kind: .picture)
        for order in ListingOrder.allCases {
            var options = SearchOptions(.texts, limit: 1_000)
            options.lexicon = lexicon
            options.isReversed = true
            options.order = .path
            let answer = try index.describe(query, options, order: order)
            let best = try #require(answer.best?.matchProbability)
            #expect(answer.results.map(\.rank) == Array(1...answer.results.count), "no option of search's order counts")
            #expect(answer.results.allSatisfy { ($0.matchProbability ?? 0) >= best / 2 })
            #expect(answer.vagueness == nil, "a picture is not vaguer than phrases")
            options.minimumProbability = 0
            let all = try index.describe(query, options, order: order).results
            let probable = all.filter { ($0.matchProbability ?? 0) >= best / 2 }
            #expect(best > 0 && best < 0.05, "where nothing convinces, the most probable are given all the same")
            #expect(answer.results.map(\.name) == probable.map(\.name) && probable.count < all.count)
        }
    }

    /// Where the model says nothing, the null distribution decides; few items have none worth the name.
    @Test func withoutAProbabilityClosenessConvinces() throws {
        let (many, folder) = try index(200)
        let (few, second) = try index(20)
        defer { withExtendedLifetime((folder, second)) {} }
        let near = try #require(try many.search(query(many, .text), SearchOptions(limit: 1)).results.first?.item)
        var beside = try many.store.read { snapshot in
            let item = try #require(try snapshot.item(near))
            return try snapshot.gaussian(.images, at: item.placement)
        }
        beside.mean[0] += 0.01
        #expect(try many.search(Query(beside, kind: .mixed)).isConvincing == true)
        // As far from everything as can be: against the mean of all.
        var generator = SeededGenerator(seed: 3)
        let query = try Query(generator.gaussian(dimension: many.model().dimension), kind: .mixed)
        let answer = try many.search(query, SearchOptions(limit: 200))
        let distances = answer.results.map(\.csd)
        let mean = distances.reduce(0, +) / 200
        let deviation = (distances.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 200).squareRoot()
        #expect(answer.isConvincing == (distances[0] < mean - 2.3263478740408408 * deviation))
        #expect(try few.search(Query(beside, kind: .mixed)).isConvincing == nil)
        // A sample in place is the sample, and the distances are those of whole Gaussians.
        try many.store.read { snapshot in
            for limit in [1, 7, 150, 200, 1_000] {
                let whole = try snapshot.sample(.images, limit: limit) { query.gaussian.csd(to: $0) }
                let inPlace = try snapshot.sampleMeans(.images, limit: limit) {
                    query.gaussian.squaredDistance(toMean: $0) + (query.gaussian.totalVariance + $1)
                }
                #expect(whole == inPlace && whole.count == min(limit, 200))
            }
        }
    }

    @Test func listingsGoByVaguenessOrClosenessAndNumberTheirPlaces() throws {
        let (index, folder) = try index(50)
        defer { withExtendedLifetime(folder) {} }
        let found = try index.search(query(index), SearchOptions(limit: 50)).results
        let vagueness = ListingOrder.allCases.map { order in
            let listed = order.listed(found)
            #expect(listed.map(\.rank) == Array(1...50) && Set(listed.map(\.item)) == Set(found.map(\.item)))
            return listed.map(\.totalVariance)
        }
        let whole: [Double] = found.map(\.totalVariance)
        #expect(vagueness[0] == whole)
        #expect(vagueness[1] == whole.sorted(by: >))
        #expect(vagueness[2] == whole.sorted())
    }

    @Test func probabilitiesExistBetweenKindsAndPercentilesWithin() throws {
        let (index, folder) = try index(200, texts: 200)
        defer { withExtendedLifetime(folder) {} }
        for (kind, collection) in [(QueryKind.text, Engine.Collection.images), (.picture, .texts)] {
            let answer = try index.search(query(index, kind), SearchOptions(collection))
            #expect(answer.results.allSatisfy { $0.matchProbability != nil && $0.percentile == nil })
        }
        let alike: [(QueryKind, Engine.Collection)] = [
            (.text, .texts), (.picture, .images), (.mixed, .images), (.mixed, .texts),
        ]
        for (kind, collection) in alike {
            let answer = try index.search(query(index, kind), SearchOptions(collection, limit: 200))
            #expect(answer.results.allSatisfy { $0.matchProbability == nil })
            for result in answer.results {
                // The sample is the whole collection here: exactly those of lower rank are closer.
                #expect(result.percentile == Double(result.rank - 1) / 200)
            }
            #expect(throws: QueryError.noProbability) {
                var options = SearchOptions(collection)
                options.minimumProbability = 0.5
                _ = try index.search(query(index, kind), options)
            }
        }
    }

    @Test func aProbabilityCutsAndTellsHowMany() throws {
        let (index, folder) = try index(200)
        defer { withExtendedLifetime(folder) {} }
        let query = try query(index)
        let whole = try index.search(query, SearchOptions(limit: 200)).results
        let bound = try #require(whole[49].matchProbability)
        var options = SearchOptions(limit: 200)
        options.minimumProbability = bound
        let cut = try index.search(query, options)
        #expect(cut.results == whole.filter { ($0.matchProbability ?? 0) >= bound })
        #expect(
            cut.dropped.map(\.count) == [200 - cut.results.count] && cut.dropped.map(\.reason) == [.minimumProbability])
    }

    @Test func theGapIsTheLargestStepAmongTheFirstHundred() throws {
        let (index, folder) = try index(300)
        defer { withExtendedLifetime(folder) {} }
        let query = try query(index)
        let whole = try index.search(query, SearchOptions(limit: 300)).results
        let steps = zip(whole, whole.dropFirst()).prefix(99).map { $1.csd - $0.csd }
        let largest = try #require(steps.max())
        let end = try #require(steps.firstIndex(of: largest)) + 1
        for limit in [3, 300] {
            var options = SearchOptions(limit: limit)
            options.cutsAtGap = true
            #expect(try index.search(query, options).results == Array(whole.prefix(min(end, limit))))
        }
    }

    @Test func explanationsAddUp() throws {
        let (index, folder) = try index(20)
        defer { withExtendedLifetime(folder) {} }
        let query = try query(index)
        var options = SearchOptions(limit: 20)
        options.explains = true
        let scale = try index.model().matchScale
        for result in try index.search(query, options).results {
            let parts = try #require(result.explanation)
            #expect(abs(parts.meanPart + parts.variancePart - result.csd) < 1e-12)
            #expect(abs(parts.variancePart - query.gaussian.totalVariance - result.totalVariance) < 1e-12)
            #expect(result.matchProbability == scale.probability(logit: try #require(parts.logit)))
            let inclusion = try #require(parts.inclusionOfQuery)
            #expect(abs(inclusion + (parts.inclusionOfResult ?? .nan)) <= 1e-9 * abs(inclusion))
        }
    }

    @Test func picturesOfTheQueryAndTheirCopiesAreLeftOut() async throws {
        let pictures = try Pictures(["a.jpg": 0, "copy.jpg": 0, "b.jpg": 1, "c.jpg": 2])
        try await pictures.update()
        let outside = try TemporaryFolder()
        try Pictures.write(0, to: outside, "elsewhere.jpg")
        let stored = try #require(try pictures.gaussians()["a.jpg"])
        for path in [pictures.folder.file("a.jpg"), outside.file("elsewhere.jpg")] {
            let query = try pictures.index.query([QueryTerm(.picture(Array(path.utf8)))])
            #expect(query.gaussian == stored, "a single term is the term to the bit")
            let answer = try pictures.index.search(query)
            #expect(answer.results.map(\.name).sorted() == ["b.jpg", "c.jpg"])
            #expect(answer.dropped.map(\.reason) == [.queryPictures] && answer.dropped.map(\.count) == [2])
        }
        var options = SearchOptions()
        options.filter = try Filter("name != b.jpg")
        let query = try pictures.index.query([QueryTerm(.picture(Array(pictures.folder.file("a.jpg").utf8)))])
        #expect(try pictures.index.search(query, options).results.map(\.name) == ["c.jpg"])
    }

    @Test func aSingleTextIsTheTextToTheBitAndWeightsCount() async throws {
        let pictures = try Pictures(["a.jpg": 0, "b.jpg": 1])
        try await pictures.update()
        let index = pictures.index
        let model = try index.model()
        let query = try index.query([QueryTerm(.text("a red boat"))])
        #expect(query.gaussian == (try model.encode(texts: ["a red boat"])[0]) && query.kind == .text)
        let picture = QueryTerm(.picture(Array(pictures.folder.file("a.jpg").utf8)), weight: 0.5)
        let mixed = try index.query([QueryTerm(.text("a red boat")), picture])
        #expect(mixed.kind == .mixed)
        let parts = [(query.gaussian, 1.0), (try #require(try pictures.gaussians()["a.jpg"]), 0.5)]
        #expect(mixed.gaussian == (try Gaussian.composed(of: parts.map { (gaussian: $0.0, weight: $0.1) })))
        #expect(try index.search(mixed).results.allSatisfy { $0.matchProbability == nil })
    }

    @Test func whatCannotBeATermIsNamed() throws {
        let (index, folder) = try index(1)
        defer { withExtendedLifetime(folder) {} }
        try folder.write("bad.jpg", [1, 2, 3])
        #expect(throws: QueryError.empty) { try index.query([QueryTerm(.text(" ... "))]) }
        for path in ["gone.jpg", folder.file("bad.jpg"), folder.path] {
            let error = #expect(throws: QueryError.self) { try index.query([QueryTerm(.picture(Array(path.utf8)))]) }
            #expect(error?.description.hasPrefix(path) == true && error?.isUsage == false)
        }
        #expect(throws: QueryError.self) { try index.query([QueryTerm(.vector(path: folder.file("bad.jpg"), row: 0))]) }
        #expect(throws: QueryError.self) { try index.query([QueryTerm(.vector(path: "gone", row: 0))]) }
    }

    @Test func vectorsAreTermsAndFilesOfQueriesAreAnsweredInOrder() async throws {
        let pictures = try Pictures(["a.jpg": 0, "b.jpg": 1, "c.jpg": 2])
        try await pictures.update()
        let index = pictures.index
        let path = pictures.folder.file("q.safetensors")
        let model = try index.model()
        let file = try EncodingFile(path: path, model: model)
        let texts = ["a red boat", "a dog", "two green pears"]
        for (text, gaussian) in zip(texts, try model.encode(texts: texts)) { try file.append(.text(text), gaussian) }
        try file.append(
            .picture(Array("a.jpg".utf8)), try #require(try pictures.gaussians()["a.jpg"]))
        try file.finish()

        let row = try index.query([QueryTerm(.vector(path: path, row: 1))])
        #expect(row.gaussian == (try model.encode(texts: ["a dog"])[0]) && row.kind == .text)
        #expect(try index.query([QueryTerm(.vector(path: path, row: 3))]).kind == .picture)
        let error = #expect(throws: QueryError.self) { try index.query([QueryTerm(.vector(path: path, row: 4))]) }
        #expect(error?.description.contains("no row 4; there are 4") == true)

        var rows: [QueryAnswer] = []
        try index.answer(queriesIn: path, SearchOptions(limit: 2)) { rows.append($0) }
        #expect(rows.map(\.index) == [0, 1, 2, 3] && rows.map(\.name) == texts + ["a.jpg"])
        #expect(rows[3].answer?.results.first?.matchProbability == nil)
        #expect(rows[3].answer?.results.first?.name == "a.jpg", "a vector is no picture: nothing is left out")

        try pictures.folder.write("q.txt", Array("a red boat\n\na dog\n...\ntwo green pears".utf8))
        var lines: [QueryAnswer] = []
        try index.answer(queriesIn: pictures.folder.file("q.txt"), SearchOptions(limit: 2), jobs: 2) {
            lines.append($0)
        }
        #expect(lines.map(\.name) == ["a red boat", "", "a dog", "...", "two green pears"])
        #expect(lines.map { $0.answer == nil } == [false, true, false, true, false])
        for (line, text) in [(0, 0), (2, 1), (4, 2)] {
            #expect(lines[line].answer?.results == rows[text].answer?.results)
            #expect(lines[line].answer?.results == (try index.search(texts[text], limit: 2).results))
        }
    }

    @Test func manyQueriesAreAnsweredAsOneByOne() throws {
        let (index, folder) = try index(50)
        defer { withExtendedLifetime(folder) {} }
        let texts = (0..<600).map { "number \($0)" }
        try folder.write("q.txt", Array(texts.joined(separator: "\n").utf8))
        var count = 0
        try index.answer(queriesIn: folder.file("q.txt"), SearchOptions(limit: 3), jobs: 2) { query in
            #expect(query.index == count && query.name == texts[count] && query.answer?.results.count == 3)
            if count % 97 == 0 {
                let alone = try index.search(texts[count], limit: 3).results
                #expect(query.answer?.results == alone)
            }
            count += 1
        }
        #expect(count == 600)
    }

    @Test func batchesAreAnsweredAsOneByOneByAllRungs() throws {
        let (index, folder) = try index(700, texts: 300)
        defer { withExtendedLifetime(folder) {} }
        let queries = try (0..<23).map { try query(index, .text, seed: UInt64(100 + $0)) }
        for collection in [Engine.Collection.images, .texts] {
            for accuracy in [1, 0.99] {
                var options = SearchOptions(collection, limit: 12)
                options.accuracy = accuracy
                options.lexiconUse = .off
                options.filter = collection == .texts ? nil : try Filter("name like '%7%'")
                let together = try index.answers(to: queries, options)
                #expect(together.count == queries.count)
                for (query, answer) in zip(queries, together) {
                    let alone = try index.search(query, options)
                    #expect(answer.results == alone.results && answer.scanned == alone.scanned)
                    if answer.rungs.coarse > 0 { #expect(answer.rungs == alone.rungs) }
                    #expect(answer.results.count == 12 && answer.rungs.exact >= 12)
                    #expect(answer.reranked == answer.rungs.exact && answer.rungs.coarse + answer.rungs.fine > 0)
                    options.limit = 700
                    let all = try index.search(query, options).results
                    options.limit = 12
                    for result in answer.results {
                        #expect(all.contains { $0.item == result.item && $0.csd == result.csd }, "exact distances")
                    }
                }
            }
        }
    }

    @Test func theLexiconServesWhereThereAreNoTexts() throws {
        let (index, folder) = try index(10)
        defer { withExtendedLifetime(folder) {} }
        let model = try index.model()
        var progress = 0
        let lexicon = try Lexicon.load(model, cacheFolder: folder.path) { _ in progress += 1 }
        #expect(try lexicon.texts == Model.lexicon() && lexicon.gaussians.count == lexicon.texts.count && progress > 1)
        let again = try #require(try Lexicon.cached(model, cacheFolder: folder.path))
        #expect(again.texts == lexicon.texts && again.gaussians == lexicon.gaussians)
        #expect(try Lexicon.cached(model, cacheFolder: folder.file("none")) == nil)

        var options = SearchOptions(.texts, limit: 3)
        options.lexicon = lexicon
        let answer = try index.search(index.query([QueryTerm(.text("golden retriever"))]), options)
        #expect(answer.usesLexicon && answer.results.first?.name == "golden retriever")
        #expect(answer.results.first?.item == nil && answer.itemCount == lexicon.texts.count)
        options.lexiconUse = .off
        #expect(try index.search(query(index), options).results.isEmpty)
        options.lexiconUse = .only
        options.filter = try Filter("text = x", for: .texts)
        #expect(throws: QueryError.noFields) { try index.search(query(index), options) }
    }

    @Test func aDamagedCacheIsEncodedAgain() throws {
        let folder = try TemporaryFolder()
        try folder.write("words.txt", Array("a dog\na cat\n...\na dog\n".utf8))
        let model = try Model.builtin()
        let words = folder.file("words.txt")
        let lexicon = try Lexicon.load(model, file: words, cacheFolder: folder.path)
        #expect(lexicon.texts == ["a dog", "a cat"])
        let cached = try #require(try FileManager.default.contentsOfDirectory(atPath: folder.file("lexicons")).first)
        try folder.write("lexicons/\(cached)", [1, 2, 3])
        #expect(try Lexicon.load(model, file: words, cacheFolder: folder.path).gaussians == lexicon.gaussians)
        #expect(throws: (any Error).self) { try Lexicon.load(model, file: folder.file("gone.txt")) }
    }

    @Test func listsAreInOrderAndFiltered() throws {
        let (index, folder) = try index(50)
        defer { withExtendedLifetime(folder) {} }
        func names(
            _ order: SearchOrder, reversed: Bool = false, _ condition: String? = nil, offset: Int = 0, limit: Int? = nil
        )
            throws -> [ListedItem]
        {
            var items: [ListedItem] = []
            try index.list(
                by: order, isReversed: reversed, where: try condition.map { try Filter($0) }, offset: offset,
                limit: limit
            ) { items.append($0) }
            return items
        }
        let byPath = try names(.path)
        #expect(
            byPath.count == 50 && byPath.map(\.bytes) == byPath.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) }
        )
        #expect(try names(.path, reversed: true) == byPath.reversed())
        let vaguest = try names(.uncertainty, reversed: true, limit: 5)
        #expect(vaguest.map(\.totalVariance) == byPath.map(\.totalVariance).sorted(by: >).prefix(5).map { $0 })
        #expect(try names(.path, offset: 45).count == 5)
        #expect(try names(.path, "name = 'images 7'").map(\.bytes) == [Array("images 7".utf8)])
    }
}
