// Conditions: what they let through, that they keep order and lose nothing, and how they point at mistakes.
import Engine
import Foundation
import Gaussians
import Storage
import TestSupport
import Testing

@Suite struct FilterTests {
    /// An index of synthetic pictures with all kinds of facts.
    private struct Facts {
        let index: Index
        let folder: TemporaryFolder
        var items: [(name: String, size: Int, picture: PictureRecord)] = []

        init() throws {
            folder = try TemporaryFolder()
            index = try Index.create(at: folder.file(".penumbra"), root: folder.path, model: .builtin())
            let dimension = try index.model().dimension
            var generator = SeededGenerator(seed: 11)
            let folders = ["", "a/", "a/b/", "ab/", "summer 2019/", "[x]/"]
            let times: [String?] = [
                nil, "2018-12-31T23:59:59", "2019-01-01T00:00:00", "2019-06-15T12:30:45", "2019-06-30T23:59:59",
                "2020-02-29T08:00:00",
            ]
            for number in 0..<300 {
                let suffix = ["jpg", "PNG", "webp", "tar.jpeg"][number % 4]
                let picture = PictureRecord(
                    width: [100, 300, 300][number % 3], height: [100, 200, 400][number % 3],
                    orientation: number % 5 == 0 ? 6 : 1, taken: times[number % times.count])
                items.append(("\(folders[number % folders.count])img_\(number).\(suffix)", number * 1_000, picture))
            }
            var batch = Batch()
            batch.additions = items.map { item in
                let file = FileRecord(
                    size: item.size, modified: 0, changed: 0, hash: Array(item.name.utf8), picture: item.picture)
                return NewItem(
                    name: Array(item.name.utf8), file: file,
                    vector: .gaussian(
                        generator.gaussian(dimension: dimension, logVariance: -9 + 2 * generator.normal())))
            }
            var texts = Batch()
            texts.collection = .texts
            texts.source = Source(kind: .texts, name: "t")
            texts.additions = ["a red dog", "A Dog in the snow", "café \"noir\"", "a dogma"].map {
                NewItem(name: Array($0.utf8), file: nil, vector: .gaussian(generator.gaussian(dimension: dimension)))
            }
            texts.texts.links = [
                (Array("a red dog".utf8), [Array(items[0].name.utf8), Array(items[7].name.utf8)]),
                (Array("A Dog in the snow".utf8), [Array(items[7].name.utf8)]),
                (Array("café \"noir\"".utf8), [Array(items[8].name.utf8)]),
            ]
            let writer = try IndexWriter(IndexStore(path: index.folder))
            try writer.commit(batch)
            try writer.commit(texts)
        }

        func names(_ condition: String?, _ collection: Engine.Collection = .images) throws -> [String] {
            var generator = SeededGenerator(seed: 4)
            let query = Query(generator.gaussian(dimension: try index.model().dimension), kind: .text)
            var options = SearchOptions(collection, limit: 1_000)
            options.filter = try condition.map { try Filter($0, for: collection) }
            return try index.search(query, options).results.map(\.name)
        }
    }

    private func expect(
        _ condition: String, _ facts: Facts, _ meets: (String, Int, PictureRecord) -> Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let all = try facts.names(nil)
        let expected = Set(facts.items.filter { meets($0.name, $0.size, $0.picture) }.map(\.name))
        #expect(
            !expected.isEmpty && expected.count < all.count, "\(condition) tells nothing",
            sourceLocation: sourceLocation)
        let found = try facts.names(condition)
        #expect(found == all.filter(expected.contains), "\(condition)", sourceLocation: sourceLocation)
        let rest = try facts.names("not (\(condition))")
        #expect(rest == all.filter { !expected.contains($0) }, "not (\(condition))", sourceLocation: sourceLocation)
    }

    private static func upright(_ picture: PictureRecord) -> (width: Int, height: Int) {
        picture.orientation >= 5 ? (picture.height, picture.width) : (picture.width, picture.height)
    }

    @Test func everyFieldLetsThroughWhatItSaysInTheOrderOfTheWhole() throws {
        let facts = try Facts()
        try expect("folder = a", facts) { name, _, _ in name.hasPrefix("a/") }
        try expect("folder = 'a/b/'", facts) { name, _, _ in name.hasPrefix("a/b/") }
        try expect("folder in (ab, 'summer 2019')", facts) { n, _, _ in
            n.hasPrefix("ab/") || n.hasPrefix("summer 2019/")
        }
        try expect("folder glob 'a/*'", facts) { name, _, _ in name.hasPrefix("a/b/") }
        try expect("folder like ''", facts) { name, _, _ in !name.contains("/") }
        try expect("path glob '*/img_1?.*'", facts) { name, _, _ in
            name.contains("/") && name.split(separator: "/").last?.split(separator: ".")[0].count == 6
                && name.contains("img_1")
        }
        try expect("path = 'img_0.jpg' or path = \"[x]/img_5.PNG\"", facts) { n, _, _ in
            n == "img_0.jpg" || n == "[x]/img_5.PNG"
        }
        try expect("name like 'IMG\\_1_.%' or name = img_5.PNG", facts) { n, _, _ in n.hasSuffix("/img_5.PNG") }
        try expect("name like 'IMG_1_.%'", facts) { name, _, _ in
            let last = name.split(separator: "/").last ?? ""
            return last.hasPrefix("img_1") && last.split(separator: ".")[0].count == 6
        }
        try expect("extension = png", facts) { name, _, _ in name.hasSuffix(".PNG") }
        try expect("extension in (.jpeg, WEBP)", facts) { n, _, _ in n.hasSuffix(".jpeg") || n.hasSuffix(".webp") }
        try expect("bytes >= 0.1MB and bytes < 200000", facts) { _, size, _ in (100_000..<200_000).contains(size) }
        try expect("bytes != 5000", facts) { _, size, _ in size != 5_000 }
        try expect("width > 250", facts) { _, _, picture in Self.upright(picture).width > 250 }
        try expect("height = 300", facts) { _, _, picture in Self.upright(picture).height == 300 }
        for (name, sign) in [("portrait", -1), ("landscape", 1), ("square", 0)] {
            try expect("orientation = \(name)", facts) { _, _, picture in
                (Self.upright(picture).width - Self.upright(picture).height).signum() == sign
            }
        }
    }

    @Test func timesAreComparedAsFarAsTheyGo() throws {
        let facts = try Facts()
        func taken(_ condition: String, _ meets: @escaping (String) -> Bool) throws {
            try expect(condition, facts) { _, _, picture in picture.taken.map(meets) ?? false }
        }
        try taken("taken >= 2019-06 and taken < 2019-09") { $0.hasPrefix("2019-06") }
        try taken("taken = 2019") { $0.hasPrefix("2019") }
        try taken("taken <= 2019") { $0 < "2020" }
        try taken("taken > 2019-06-15T12") { $0 >= "2019-06-15T13" }
        try taken("taken > '2019-06-15 12:30:45'") { $0 > "2019-06-15T12:30:45" }
        try taken("taken in (2018, 2020-02-29)") { $0.hasPrefix("2018") || $0.hasPrefix("2020") }
        try taken("taken != 2019") { !$0.hasPrefix("2019") || false }
    }

    @Test func unknownTimesMeetNothing() throws {
        let facts = try Facts()
        let known = try facts.names("taken >= 0000")
        #expect(known.count == 250)
        let unknown = try facts.names("not taken >= 0000")
        #expect(unknown.count == 50)
    }

    @Test func uncertaintyComparesWithWhatResultsShow() throws {
        let facts = try Facts()
        var generator = SeededGenerator(seed: 4)
        let query = Query(generator.gaussian(dimension: try facts.index.model().dimension), kind: .text)
        let all = try facts.index.search(query, SearchOptions(limit: 1_000)).results
        let median = all.map(\.totalVariance).sorted()[150]
        #expect(
            try facts.names("uncertainty >= \(median)") == all.filter { $0.totalVariance >= median }.map(\.name))
    }

    @Test func wordsOfCaptions() throws {
        let facts = try Facts()
        let both: Set = [facts.items[0].name, facts.items[7].name]
        #expect(Set(try facts.names("caption has dog")) == both)
        #expect(Set(try facts.names("caption has 'dog RED'")) == both)
        #expect(try facts.names("caption has 'snow dog'") == [facts.items[7].name])
        #expect(try facts.names("caption has cafe") == [facts.items[8].name])
        #expect(try facts.names("caption has 'noir\"'") == [facts.items[8].name])
        #expect(try facts.names("caption = 'a red dog' and caption like '%SNOW'") == [facts.items[7].name])
        #expect(try facts.names("caption has dog", .texts).sorted() == ["A Dog in the snow", "a red dog"])
        #expect(try facts.names("text like '%dog%'", .texts).count == 3)
        #expect(try facts.names("text = 'a dogma'", .texts) == ["a dogma"])
    }

    @Test func bracketsAndBinding() throws {
        let facts = try Facts()
        try expect("extension = png or extension = webp and bytes < 100000", facts) { name, size, _ in
            name.hasSuffix("PNG") || (name.hasSuffix("webp") && size < 100_000)
        }
        try expect("(extension = png or extension = webp) and bytes < 100000", facts) { name, size, _ in
            (name.hasSuffix("PNG") || name.hasSuffix("webp")) && size < 100_000
        }
        try expect("NOT extension = png AND not bytes<100000", facts) { name, size, _ in
            !name.hasSuffix("PNG") && size >= 100_000
        }
        try expect("extension not in (png, webp)", facts) { name, _, _ in
            !name.hasSuffix("PNG") && !name.hasSuffix("webp")
        }
        try expect("not not extension = png", facts) { name, _, _ in name.hasSuffix("PNG") }
    }

    @Test func hostileValuesAreOnlyValues() throws {
        let facts = try Facts()
        for value in ["'; DROP TABLE item; --", "%", "*", "' OR 1=1", "\u{0}", "\\", "NEAR(", "\"", "AND", "*:"] {
            let quoted = "\"" + value.replacingOccurrences(of: "\"", with: "\"\"") + "\""
            #expect(try facts.names("path = \(quoted)").isEmpty)
            #expect(try facts.names("not path = \(quoted)").count == 300)
            _ = try? facts.names("caption has \(quoted)")
        }
        #expect(try facts.names(nil).count == 300)
    }

    @Test(arguments: [
        ("", 0, "the condition is empty"),
        ("widht > 3", 0, "no field \"widht\"; did you mean width?"),
        ("extention = png", 0, "no field \"extention\"; did you mean extension?"),
        ("ext = png", 0, "no field \"ext\"; did you mean extension?"),
        ("width > 3 and", 13, "expected a field"),
        ("width > 3 or or width > 4", 13, "expected a field, not \"or\""),
        ("extension in (jpg png)", 18, "expected a comma between two values"),
        ("width > 3 width", 10, "expected \"and\", \"or\" or the end"),
        ("width > 3)", 9, "there is no opening bracket for this one"),
        ("(width > 3", 0, "this bracket is not closed"),
        ("width", 5, "expected how width compares: =, !=, <, <=, >, >=, in"),
        ("width like 3", 6, "width takes =, !=, <, <=, >, >=, in"),
        ("width > x", 8, "width is compared with a number"),
        ("bytes > 3TB", 8, "bytes is compared with a number, such as 2000000 or 2MB"),
        ("taken > yesterday", 8, "taken is compared with a time such as 2019, 2019-06, 2019-06-01 or 2019-06-01T12:30"),
        ("taken > 2019-13", 8, "there is no such time"),
        ("path = 'x", 7, "this quote is not closed"),
        ("path in x", 8, "expected ( and the values, separated by commas"),
        ("path in (x", 8, "this bracket is not closed"),
        ("orientation = up", 14, "orientation is landscape, portrait or square"),
        ("caption has '..'", 12, "no word to look for"),
        (
            "text = x", 0,
            "images have no text; they have path, folder, name, extension, taken, bytes, width, height, orientation, uncertainty, caption"
        ),
    ])
    func mistakesArePointedAt(_ text: String, _ column: Int, _ reason: String) {
        let error = #expect(throws: FilterError.self) { try Filter(text) }
        #expect(error?.column == column && error?.reason == reason)
        if let error {
            let lines = error.description.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == 3 && lines[2].prefix { $0 == " " }.count == column + 2)
        }
    }

    @Test func conditionsOfManyValuesRunOrAreRefused() throws {
        let facts = try Facts()
        let most = Array(repeating: "width > 0", count: 500)
        #expect(try facts.names(most.joined(separator: " and ")).count == 300)
        #expect(
            try facts.names("width in (\(Array(repeating: "300", count: 500).joined(separator: ",")))")
                == facts.names("width = 300"))
        let nested =
            String(repeating: "not (", count: 5) + most.joined(separator: " or ") + String(repeating: ")", count: 5)
        #expect(throws: Never.self) { try facts.names(nested) }
        // Whatever the parser lets through, SQLite must take.
        for depth in [10, 11, 12, 13, 40, 200] {
            let deep = String(repeating: "not (", count: depth) + "width > 1" + String(repeating: ")", count: depth)
            do { _ = try facts.names(deep) } catch { #expect("\(error)".contains("too deeply nested"), "\(error)") }
        }
        let tooMany = #expect(throws: FilterError.self) {
            try Filter((most + ["width > 7"]).joined(separator: " and "))
        }
        #expect(tooMany?.column == 500 * 14 + 8)
        #expect(tooMany?.reason == "more than 500 values are compared in one condition")
    }

    @Test func otherMistakes() {
        #expect(throws: FilterError.self) { try Filter("zzzzzz = 3") }
        #expect(throws: FilterError.self) { try Filter("path = x", for: .texts) }
        #expect(throws: FilterError.self) { try Filter(String(repeating: "(", count: 5_000)) }
        #expect(throws: FilterError.self) { try Filter(String(repeating: "not ", count: 5_000) + "width = 1") }
    }
}
