// general, specific, ladder and relate on the gallery: the answers the issue names, and every edge.
import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.serialized) struct GeneralityCommandTests {
    /// The whole gallery, indexed once, with a cache for the rule.
    private static let gallery = Result {
        let gallery = try Gallery(0)
        for name in try FileManager.default.contentsOfDirectory(atPath: Fixtures.repository("Examples/Gallery"))
        where name.hasSuffix(".jpg") {
            try FileManager.default.copyItem(
                atPath: Fixtures.repository("Examples/Gallery/\(name)"), toPath: gallery.folder.file(name))
        }
        let output = try gallery.run("index")
        #expect(output.code == 0)
        return gallery
    }

    func run(_ arguments: String...) throws -> Output {
        try Program.run(arguments, in: Self.gallery.get().path)
    }

    /// The names of a result list in their order.
    func names(_ arguments: String...) throws -> [String] {
        let output = try Program.run(arguments + ["--format", "paths"], in: Self.gallery.get().path)
        #expect(output.code == 0, "\(output.stderr)")
        return output.lines
    }

    @Test func aRetrieverIsAnAnimal() throws {
        #expect(
            Set(try names("general", "golden", "retriever", "-n", "5"))
                == ["retriever", "dog", "pet", "animal", "mammal"])
        #expect(try names("general", "two green pears in the rain", "-n", "1") == ["green pear"])
    }

    /// "green boat" stands beside "a red boat" under "boat".
    @Test func siblingsAreNoAnswers() throws {
        let found = try names("general", "a red boat")
        #expect(found.starts(with: ["boat", "vehicle"]), "\(found)")
        #expect(found.allSatisfy { !$0.hasSuffix(" boat") }, "\(found)")
        let beside = try run("relate", "a red boat", "green boat")
        #expect(beside.lines.contains("related, neither contains the other"), "\(beside.text)")
        #expect(beside.lines.contains { $0.hasPrefix("  farther than what includes both  1.") }, "\(beside.text)")
    }

    @Test func cutsAndConditionsHoldForGeneralityToo() throws {
        struct Match: Decodable {
            let type: String
            let match_probability: Double?
        }
        let all = try names("general", "scene-003.jpg", "-n", "100")
        let probable = try run("general", "scene-003.jpg", "--min-probability", "0.5", "--format", "jsonl")
        let matches = try probable.lines.map { try JSONDecoder().decode(Match.self, from: Data($0.utf8)) }
            .filter { $0.type == "match" }
        #expect(!matches.isEmpty && matches.count < all.count)
        #expect(matches.allSatisfy { ($0.match_probability ?? 0) >= 0.5 })
        #expect(probable.text.contains(#"{"reason":"min_probability","count":\#(all.count - matches.count)}"#))
        let none = try run("ladder", "scene-003.jpg", "--min-probability", "0.999")
        #expect(none.code == 1 && none.stderr.contains("as probable as --min-probability asks"), "\(none.stderr)")
        let alike = try run("general", "dog", "--min-probability", "0.5")
        #expect(alike.code == 64 && alike.stderr.contains("between a picture and a text only"), "\(alike.stderr)")
        let whole = try names("specific", "animal", "--in", "texts", "-n", "700")
        let cut = try names("specific", "animal", "--in", "texts", "-n", "700", "--gap")
        #expect(!cut.isEmpty && cut.count < 100 && whole.starts(with: cut))
        let filtered = try names(
            "specific", "vehicle", "--in", "images", "--where", "path glob 'scene-0*'", "-n", "240")
        #expect(!filtered.isEmpty && filtered.allSatisfy { $0.hasPrefix("scene-0") })
        let lexicon = try run("ladder", "dog", "--where", "text has dog")
        #expect(lexicon.code == 64 && !lexicon.stderr.isEmpty)
    }

    /// "picture" and "something" are near to nearly half of the lexicon, so they say nothing of a dog.
    @Test func vagueRootsAreNoAnswers() throws {
        for (text, first) in [("dog", "animal"), ("bus", "vehicle")] {
            let found = try names("general", text, "--lexicon", "only")
            #expect(found.first == first, "\(found)")
            #expect(Set(found).isDisjoint(with: ["picture", "something", "photo", "image"]), "\(found)")
        }
        let hub = try run("relate", "dog", "picture")
        #expect(hub.lines.contains { $0.hasPrefix("  near to") && $0.hasSuffix("needed below 40.0 %") }, "\(hub.text)")
    }

    /// Of two pictures taken at random few are related, and some picture has something more general among pictures.
    @Test func picturesAreJudgedByPictures() throws {
        let strangers = try run("relate", "scene-003.jpg", "scene-004.jpg")
        #expect(strangers.code == 0 && strangers.lines.contains("unrelated"), "\(strangers.text)")
        let above = try names("general", "scene-003.jpg", "--in", "images")
        #expect(!above.isEmpty && !above.contains("scene-003.jpg"))
        for picture in above {
            #expect(try names("specific", picture, "--in", "images", "-n", "240").contains("scene-003.jpg"))
        }
    }

    /// The percentile beside a specialisation is the one the rule asked: never above its bound.
    @Test func percentilesAreTheFiguresOfTheRule() throws {
        struct Match: Decodable {
            let type: String
            let percentile: Double?
        }
        for command in ["general", "specific"] {
            let subject = command == "general" ? "golden retriever" : "animal"
            let lines = try run(command, subject, "--in", "texts", "-n", "700", "--format", "jsonl").lines
            let found = try lines.map { try JSONDecoder().decode(Match.self, from: Data($0.utf8)) }
                .filter { $0.type == "match" }
            #expect(found.count > (command == "general" ? 1 : 20))
            #expect(found.allSatisfy { ($0.percentile ?? 1) < 0.05 })
        }
    }

    @Test func theFirstTenVehiclesAreVehicles() throws {
        struct Line: Decodable {
            let file: String
            let levels: [String]
        }
        let lines = try String(contentsOfFile: Fixtures.repository("Examples/Gallery/captions.jsonl"), encoding: .utf8)
            .split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        let vehicles = Set(lines.filter { $0.levels[0] == "vehicle" }.map(\.file))
        let found = try names("specific", "vehicle", "--in", "images")
        #expect(found.count == 10 && found.allSatisfy(vehicles.contains), "\(found)")
    }

    @Test func pagesTileAndOrdersSort() throws {
        let all = try names("specific", "animal", "--in", "texts", "-n", "700")
        let first = try names("specific", "animal", "--in", "texts", "-n", "7")
        let second = try names("specific", "animal", "--in", "texts", "-n", "7", "--offset", "7")
        #expect(first + second == Array(all.prefix(14)) && all.count > 14)
        let sorted = try names("specific", "animal", "--in", "texts", "-n", "700", "--order", "general")
        #expect(Set(sorted) == Set(all) && sorted != all)
        let both = try run("specific", "animal", "-n", "900", "--format", "tsv")
        #expect(both.code == 0 && both.lines.count > all.count)
    }

    @Test func mirror() throws {
        let general = try names("general", "dog", "-n", "50")
        #expect(!general.isEmpty)
        for text in general.prefix(3) {
            #expect(try names("specific", text, "--in", "texts", "-n", "700").contains("dog"), "\(text)")
        }
    }

    @Test func aLadderClimbsFromAPicture() throws {
        let rungs = try names("ladder", "scene-003.jpg")
        #expect(rungs == ["city", "building"], "from the specific to the general, not the vaguest at once")
        #expect(!rungs.isEmpty && Set(rungs).count == rungs.count)
        #expect(try names("ladder", "golden", "retriever") == ["retriever", "mammal", "animal"])
        let output = try run("ladder", "scene-003.jpg", "--format", "jsonl")
        struct Match: Decodable {
            let type: String
            let total_variance: Double?
        }
        let variances = try output.lines.map { try JSONDecoder().decode(Match.self, from: Data($0.utf8)) }
            .filter { $0.type == "match" }.compactMap(\.total_variance)
        #expect(variances == variances.sorted() && variances.count == rungs.count, "each rung is vaguer")
        #expect(try names("ladder", "scene-003.jpg", "--steps", "1") == Array(rungs.prefix(1)))
        for walk in ["greedy", "interpolation"] {
            let climbed = try names("ladder", "dog", "--walk", walk)
            #expect(climbed.contains("animal") && !climbed.contains("dog"), "no rung above itself: \(climbed)")
        }
    }

    @Test func relationsHaveVerdicts() throws {
        let inside = try run("relate", "dog", "animal")
        #expect(inside.code == 0 && inside.lines.contains("A lies inside B"), "\(inside.text)")
        #expect(try run("relate", "animal", "dog").lines.contains("B lies inside A"))
        #expect(try run("relate", "a washing machine", "golden retriever").lines.contains("unrelated"))
        let json = try run("relate", "scene-003.jpg", "a black dog", "--format", "json")
        #expect(json.text.contains(#""verdict":"A lies inside B""#) && !json.text.contains("nan"), "\(json.text)")
        let kinds = try run("relate", "scene-003.jpg", "a black dog")
        #expect(kinds.lines.contains { $0.hasPrefix("direction         by kind") })
        #expect(kinds.lines.count { $0.hasPrefix("  inclusion") } == 2, "both ways: \(kinds.text)")
        let schema = try JSONSchema(
            Data(contentsOf: URL(fileURLWithPath: Fixtures.repository("docs/output.schema.json"))))
        for line in try run("specific", "animal", "-n", "30", "--format", "jsonl").lines + json.lines {
            #expect(schema.mistakes(in: line).isEmpty, "\(line)")
        }
    }

    @Test func whatCannotBeAnsweredIsSaid() throws {
        #expect(try run("general", "!!!").code == 64)
        #expect(try run("general", "gone.jpg").code == 2)
        #expect(try run("relate", "dog", "scene-003.jpg", "x").code == 64)
        let mixed = try run("general", "dog", "scene-003.jpg")
        #expect(mixed.code == 64 && mixed.stderr.contains("not about both together"))
        let none = try run("general", "something", "--in", "images")
        #expect(none.code == 1 && none.stderr.contains("nothing found"))
        let empty = try Gallery.indexed(0)
        let cache = ["XDG_CACHE_HOME": try Self.gallery.get().folder.file(".cache")]
        let lexicon = try empty.run("general", "dog", environment: cache)
        #expect(lexicon.code == 0, "the lexicon answers where the index is empty: \(lexicon.stderr)")
        let pictures = try empty.run("specific", "dog", "--in", "images", environment: cache)
        #expect(pictures.code == 1 && pictures.stderr.contains("holds no pictures"))
    }

    @Test func theRuleIsShown() throws {
        _ = try names("general", "dog")
        let output = try run("model", "show")
        #expect(output.lines.contains { $0.hasPrefix("generality    ascent, related below 5.0 %") }, "\(output.text)")
    }
}
