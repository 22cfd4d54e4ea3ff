// A session with the program: texts, composed queries, filters, pages, descriptions, lists, files of queries.
import Foundation
import Gaussians
import TestSupport
import Testing

@Suite struct SessionTests {
    /// Pictures with the captions of the gallery as texts.
    private static func gallery(_ count: Int) throws -> Gallery {
        let gallery = try Gallery.indexed(count)
        let captions = try String(
            contentsOfFile: Fixtures.repository("Examples/Gallery/captions.jsonl"), encoding: .utf8
        ).split(separator: "\n").prefix(count).enumerated().map { number, line in
            line.replacing(/scene-\d+\.jpg/, with: "p\(number).jpg")
        }
        try gallery.folder.write("captions.jsonl", Array(captions.joined(separator: "\n").utf8))
        let output = try gallery.run("index", "--texts", "captions.jsonl")
        #expect(output.code == 0, "\(output.stderr)")
        return gallery
    }

    private static func schema() throws -> JSONSchema {
        try JSONSchema(Data(contentsOf: URL(fileURLWithPath: Fixtures.repository("docs/output.schema.json"))))
    }

    @Test func everyJSONLineFitsTheSchema() throws {
        let gallery = try Self.gallery(12)
        try gallery.write(Gallery.content(20), bytes: [0x66, 0xFF] + Array(".jpg".utf8))
        #expect(try gallery.run("index").code == 0)
        try gallery.folder.write("q.txt", Array("a dog\n\na red car\n".utf8))
        let commands: [[String]] = [
            ["search", "a black dog"], ["search", "a dog", "--explain", "-n", "100"],
            ["search", "a dog", "--in", "texts"],
            ["search", "a dog", "--plus", "image:p3.jpg", "--explain"], ["search", "image:p3.jpg"],
            ["search", "a dog", "--where", "caption has dog", "--gap"],
            ["search", "a dog", "--min-probability", "1"], ["search", "a dog", "--where", "width > 9999"],
            ["search", "a \u{13000} dog"], ["search", "--queries", "q.txt"],
            ["search", "--queries", "q.txt", "--in", "texts", "--explain"], ["similar", "p3.jpg", "--explain"],
            ["search", "a dog", "--accuracy", "0.999", "--explain"],
            ["similar", "p3.jpg", "--in", "texts"], ["describe", "p3.jpg"],
            ["describe", "p3.jpg", "--lexicon", "only"],
            ["ls"], ["ls", "--in", "texts"],
        ]
        let schema = try Self.schema()
        for command in commands {
            let output = try Program.run(command + ["--format", "jsonl"], in: gallery.path)
            #expect(output.code <= 1, "\(command): \(output.stderr)")
            #expect(!output.lines.isEmpty, "\(command)")
            for line in output.lines { #expect(schema.mistakes(in: line) == [], "\(command)") }
        }
        try gallery.folder.write("broken.jpg", Array("no picture".utf8))
        try gallery.write([0x0A], bytes: [0x67, 0xFE] + Array(".jpg".utf8))
        #expect(try gallery.run("index").code == 2)
        try gallery.folder.write(
            "chains.jsonl", Array(#"{"file": "p3.jpg", "levels": ["animal", "dog", "black dog"]}"#.utf8))
        let others: [[String]] = [
            ["status"], ["status", "--failed", "--check"], ["relate", "dog", "animal"], ["relate", "p3.jpg", "dog"],
            ["evaluate", "retrieval", "captions.jsonl"], ["evaluate", "hierarchy", "chains.jsonl"],
            ["encode", "p3.jpg", "--texts", "q.txt"],
        ]
        for command in others {
            let format = command[0] == "encode" ? [] : ["--format", "json"]
            let output = try Program.run(command + format, in: gallery.path)
            #expect(!output.lines.isEmpty && output.code <= 1, "\(command): \(output.stderr)")
            for line in output.lines { #expect(schema.mistakes(in: line) == [], "\(command): \(line)") }
        }
        for command in ["general", "specific", "ladder"] {
            let output = try Program.run([command, "dog", "--lexicon", "only", "--format", "jsonl"], in: gallery.path)
            #expect(output.lines.count > 2, "\(command): \(output.stderr)")
            for line in output.lines { #expect(schema.mistakes(in: line) == [], "\(command): \(line)") }
        }
    }

    @Test func theSchemaRefusesWhatItShould() throws {
        let schema = try Self.schema()
        let good =
            #"{"type":"match","rank":1,"path":"a","csd":1.5,"match_probability":null,"total_variance":0.1,"percentile":0,"path_base64":null}"#
        #expect(schema.mistakes(in: good) == [])
        for (part, bad) in [
            ("\"rank\":1", "\"rank\":0"), ("\"rank\":1,", ""), ("\"path\":\"a\"", "\"path\":3"),
            (",\"path\":\"a\"", ""),
            ("\"path\":\"a\"", "\"path\":\"a\",\"text\":\"b\""), ("\"csd\":1.5", "\"csd\":null"),
            ("null", "1.5"), ("\"match\"", "\"nothing\""), ("\"rank\":1", "\"rank\":1,\"more\":1"),
        ] {
            #expect(schema.mistakes(in: good.replacing(part, with: bad)) != [], "\(bad)")
        }
    }

    /// Each empty answer says why it is empty.
    @Test func emptyAnswersHaveTheirReasons() throws {
        let gallery = try Gallery.indexed(3)
        let reasons: [([String], String)] = [
            (
                ["general", "golden", "retriever", "--lexicon", "only", "--offset", "99"],
                "there are no results behind --offset"
            ),
            (["describe", "p0.jpg", "--offset", "900"], "there are no results behind --offset"),
            (["search", "x", "--offset", "9"], "there are no results behind --offset"),
            (["search", "x", "--where", "width > 9999"], "no item meets --where"),
            (["general", "dog", "--in", "images", "--where", "width > 9999"], "no item meets --where"),
            (["search", "x", "--in", "texts", "--lexicon", "off"], "the index holds no texts"),
            (
                ["search", "x", "--min-probability", "1"],
                "no picture is as probable as --min-probability asks, the best is"
            ),
            (["general", "dog", "--in", "images"], "nothing here is related to it and more general"),
        ]
        for (arguments, reason) in reasons {
            let output = try Program.run(arguments, in: gallery.path)
            #expect(output.code == 1 && output.stderr.contains("nothing found: \(reason)"), "\(output.stderr)")
        }
    }

    /// Points have no generality: every command says so before it asks anything else of them.
    @Test func pointModelsAreRefusedByName() throws {
        let gallery = try Gallery(2)
        let model = Fixtures.path("models/options-points")
        #expect(try gallery.run("index", "--model", model).code == 0)
        for command in [
            ["general", "dog"], ["specific", "dog"], ["ladder", "p0.jpg"], ["relate", "p0.jpg", "p1.jpg"],
        ] {
            let output = try Program.run(command, in: gallery.path)
            #expect(output.code == 2 && output.stdout.isEmpty, "\(command)")
            #expect(output.stderr.contains("options-points gives points without uncertainty"), "\(output.stderr)")
        }
    }

    /// Without a single text a file is refused, and what it held before stays.
    @Test func theWrongFieldForgetsNothing() throws {
        let gallery = try Gallery.indexed(1)
        try gallery.folder.write("z.jsonl", Array("{\"t\":\"a\"}\n{\"t\":\"b\"}\n".utf8))
        #expect(try gallery.run("index", "--texts", "z.jsonl", "--text-field", "t").code == 0)
        for arguments in [["index", "--texts", "z.jsonl"], ["index", "--texts", "z.jsonl", "--text-field", "x"]] {
            let refused = try Program.run(arguments, in: gallery.path)
            #expect(refused.code == 2 && refused.stderr.contains("z.jsonl: line 1: "), "\(refused.stderr)")
        }
        #expect(try gallery.run("ls", "--in", "texts", "--format", "paths").lines == ["a", "b"])
    }

    /// The pictures of a composed query, and their copies, are no strangers to it.
    @Test func theQuerysOwnPicturesAreNoStrangers() throws {
        struct Match: Decodable {
            let type: String
            let percentile: Double?
        }
        let gallery = try Gallery(6)
        try gallery.folder.write("copy.jpg", Gallery.content(0))
        #expect(try gallery.run("index").code == 0)
        let output = try gallery.run("search", "image:p0.jpg", "--plus", "image:p1.jpg", "--format", "jsonl")
        let matches = try output.lines.map { try JSONDecoder().decode(Match.self, from: Data($0.utf8)) }
            .filter { $0.type == "match" }
        #expect(matches.compactMap(\.percentile) == [0, 0.25, 0.5, 0.75])
    }

    /// Rows that no encoder writes are no queries.
    @Test func vectorsOfAnotherLengthAreRefused() throws {
        let gallery = try Gallery.indexed(2)
        try gallery.folder.write("t.txt", Array("a dog".utf8))
        let encoded = try gallery.run("encode", "--texts", "t.txt", "--output", "good.safetensors")
        #expect(encoded.code == 0)
        let rows = try RowsFile(path: gallery.folder.file("good.safetensors"))
        let long = Gaussian(mean: rows.means[0].map { 3 * $0 }, logVariance: rows.logVariances[0])
        try VectorFixture([long], names: ["a dog"], kind: "text").write(to: gallery.folder.file("long.safetensors"))
        #expect(try gallery.run("search", "vector:good.safetensors#0").code == 0)
        for arguments in [["search", "vector:long.safetensors#0"], ["search", "--queries", "long.safetensors"]] {
            let refused = try Program.run(arguments, in: gallery.path)
            #expect(refused.code == 2 && refused.stderr.contains("row 0 has length 3"), "\(refused.stderr)")
        }
        let described = try gallery.run("describe", "vector:good.safetensors#0")
        #expect(described.code == 64 && described.stderr.contains("this asks about pictures"), "\(described.stderr)")
    }

    @Test func textsAloneAreReadWhereNoFolderIsNamed() throws {
        let gallery = try Gallery(2)
        try gallery.folder.write("t.txt", Array("a dog\na cat\na dog\n\n???\n".utf8))
        let output = try gallery.run("index", "--texts", "t.txt")
        #expect(output.code == 2 && output.lines.first == "2 added, 1 failed")
        #expect(output.stderr.contains("t.txt: line 5: nothing is left of it"))
        #expect(try gallery.run("index", "--texts", "t.txt").lines.first == "2 unchanged, 1 failed before")
        let status = try gallery.run("status").lines
        #expect(status.contains { $0.hasPrefix("pictures") && $0.hasSuffix(" 0") })
        #expect(status.contains { $0.hasPrefix("texts") && $0.hasSuffix(" 2") })
        #expect(try gallery.run("index", ".", "--texts", "t.txt").lines.contains("2 added"), "with a folder, both")
        #expect(try gallery.run("ls", "--in", "texts", "--format", "paths").lines == ["a cat", "a dog"])
    }

    private static let mistakes: [([String], Int32)] = [
        (["index", "--texts", "gone.txt"], 2), (["index", "--texts", "p0.jpg"], 2),
        (["index", "--text-column", "x"], 64), (["search", "x", "--queries", "q.txt"], 64),
        (["search", "--queries", "gone.txt"], 2), (["search", "--queries", "q.txt", "-0"], 64),
        (["search", "x", "--where", "widht > 3"], 64), (["search", "x", "--offset", "-1"], 64),
        (["search", "x", "--min-probability", "2"], 64), (["search", "x", "--accuracy", "0"], 64),
        (["search", "x", "--accuracy", "1.5"], 64), (["similar", "p3.jpg", "--accuracy", "nan"], 64),
        (["search", "a dog", "--minus", "a dog"], 64),
        (["search", "..."], 64), (["search", "image:gone.jpg"], 2), (["search", "gone.jpg"], 2),
        (["search", "image:p0.jpg", "--min-probability", "0.5"], 64), (["search", "vector:gone#0"], 2),
        (["search", "vector:gone"], 64), (["similar", "gone.jpg"], 2), (["similar"], 64),
        (["describe", "gone.jpg"], 2),
        (["describe", "p0.jpg", "--lexicon", "gone.txt"], 2), (["ls", "--sort", "csd"], 64),
        (["ls", "--where", "("], 64),
        (["describe", "p0.jpg", "--sort", "path"], 64), (["describe", "p0.jpg", "--reverse"], 64),
        (["describe", "p0.jpg", "--lexicon", ""], 64), (["search", "image:"], 64),
        (["describe", "p0.jpg", "--lexicon", "gone.doc"], 2),
        (["specific", "vehicle", "--where", "width > 3"], 64), (["specific", "x", "--where", "text like 'p%'"], 64),
        (["specific", "x", "--where", "uncertainty < 1"], 64), (["describe", "p0.jpg", "--offset", "900"], 1),
        (["general", "golden", "retriever", "--lexicon", "only", "--offset", "99"], 1),
        (["general", "dog", "--in", "images", "--where", "width > 9999"], 1),
        (["ls", "--offset", "9"], 1), (["search", "x", "--offset", "9"], 1),
        (["search", "x", "--in", "texts", "--lexicon", "off"], 1),
        (["search", "x", "--where", "width > 9999"], 1), (["search", "x", "--min-probability", "1"], 1),
    ]

    @Test(arguments: mistakes)
    func mistakesHaveTheirCodes(_ arguments: [String], _ code: Int32) throws {
        let gallery = try Gallery.indexed(1)
        try gallery.folder.write("q.txt", Array("a dog".utf8))
        let output = try Program.run(arguments, in: gallery.path)
        #expect(output.code == code, "\(output.stderr)")
        #expect(!output.stderr.isEmpty && output.stdout.isEmpty)
    }

    @Test func aMistakeInAConditionIsPointedAt() throws {
        let gallery = try Gallery.indexed(1)
        let output = try gallery.run("search", "x", "--where", "width > 3 and widht < 4")
        #expect(output.errors[0] == "Error: --where: no field \"widht\"; did you mean width?")
        #expect(output.errors[1] == "  width > 3 and widht < 4")
        #expect(output.errors[2] == "                ^ column 15")
        #expect(output.errors[3].hasPrefix("Usage: penumbra search "), "its own usage")
        let specific = try gallery.run("specific", "vehicle", "--where", "width > 3")
        #expect(specific.errors.contains("for conditions on pictures alone add --in images"))
    }

    @Test func emptyIndexes() throws {
        let gallery = try Gallery.indexed(0)
        try gallery.write(Gallery.content(1), bytes: Array("outside.jpg".utf8))
        for command in [
            ["search", "x"], ["similar", "outside.jpg"], ["search", "x", "--in", "texts", "--lexicon", "off"],
        ] {
            #expect(try Program.run(command, in: gallery.path).code == 1, "\(command)")
        }
        let listed = try gallery.run("ls", "--format", "jsonl")
        #expect(listed.code == 0 && listed.stdout.isEmpty && listed.stderr.contains("holds no pictures"))
        let described = try gallery.run("describe", "outside.jpg")
        #expect(described.code == 0 && described.lines.count > 1, "the lexicon serves")
    }

    @Test func compositionFilterAndPagesOnTheGallery() throws {
        let gallery = try Self.gallery(40)
        func paths(_ arguments: String...) throws -> [String] {
            try Program.run(["search"] + arguments + ["--format", "paths"], in: gallery.path).lines
        }
        #expect(try paths("text:a black dog on a city street").first == "p3.jpg")
        let whole = try paths("a dog", "-n", "100")
        #expect(try paths("a dog", "-n", "7", "--offset", "7") == Array(whole[7..<14]))
        #expect(!(try paths("image:p3.jpg", "-n", "100").contains("p3.jpg")))
        let captioned = try paths("a dog", "-n", "100", "--where", "caption has dog")
        #expect(captioned.contains("p3.jpg") && captioned == whole.filter(captioned.contains))
        let sorted = try paths("a dog", "-n", "100", "--sort", "path")
        #expect(sorted == whole.sorted())
        #expect(try paths("a dog", "-n", "5", "--offset", "5", "--sort", "path") == Array(sorted[5..<10]))
        let texts = try gallery.run("search", "image:p3.jpg", "--in", "texts", "-n", "1", "--format", "paths")
        #expect(texts.lines == ["a black dog on a city street"])
        let described = try gallery.run("describe", "p3.jpg", "--format", "paths")
        #expect(described.lines.contains("a black dog on a city street"))
    }

    /// Pictures stand in the order they were taken; one that does not say is last in both directions.
    @Test func captureTimesSortAndFilter() throws {
        let gallery = try Gallery(0)
        let times = ["2019:06:01 12:34:56", "2021:12:24 18:00:00", "2017:01:02 03:04:05", "2019:08:31 23:59:59"]
        for (number, time) in times.enumerated() {
            try gallery.folder.write(
                "t\(number).jpg", DatedPicture.jpeg(Gallery.content(number), taken: time))
        }
        try gallery.folder.write("undated.jpg", Gallery.content(9))
        #expect(try gallery.run("index").code == 0)
        func paths(_ arguments: String...) throws -> [String] {
            let output = try Program.run(arguments + ["--format", "paths"], in: gallery.path)
            #expect(output.code == 0, "\(output.stderr)")
            return output.lines
        }
        let ascending = ["t2.jpg", "t0.jpg", "t3.jpg", "t1.jpg", "undated.jpg"]
        let descending = ["t1.jpg", "t3.jpg", "t0.jpg", "t2.jpg", "undated.jpg"]
        #expect(try paths("ls", "--sort", "taken") == ascending)
        #expect(try paths("ls", "--sort", "taken", "--reverse") == descending)
        #expect(try paths("search", "a dog", "--sort", "taken") == ascending)
        #expect(try paths("search", "a dog", "--sort", "taken", "--reverse") == descending)
        #expect(try paths("similar", "t0.jpg", "--sort", "taken") == ascending.filter { $0 != "t0.jpg" })
        #expect(try paths("search", "a dog", "--sort", "taken", "-n", "2", "--offset", "1") == ["t0.jpg", "t3.jpg"])
        let summer = "taken >= 2019-06 and taken < 2019-09"
        #expect(Set(try paths("search", "a dog", "--where", summer)) == ["t0.jpg", "t3.jpg"])
    }

    /// What is shown reaches half of the best probability, and without a border all that matches is there.
    @Test func aDescriptionEndsAtItsBorder() throws {
        struct Match: Decodable {
            let type: String
            let text: String?
            let match_probability: Double?
            let total_variance: Double?
        }
        let gallery = try Gallery.indexed(4)
        func described(_ arguments: String...) throws -> [Match] {
            let lines = try Program.run(["describe", "p3.jpg", "--format", "jsonl"] + arguments, in: gallery.path).lines
            return try lines.map { try JSONDecoder().decode(Match.self, from: Data($0.utf8)) }
                .filter { $0.type == "match" }
        }
        let shown = try described("-n", "1000")
        let all = try described("-n", "1000", "--min-probability", "0")
        let best = try #require(all.compactMap(\.match_probability).max())
        let border = max(best / 2, 0.05)
        #expect(shown.count > 1 && shown.count < all.count && all.count == 732)
        #expect(shown.compactMap(\.text) == all.filter { ($0.match_probability ?? 0) >= border }.compactMap(\.text))
        let vagueness = shown.compactMap(\.total_variance)
        #expect(vagueness == vagueness.sorted())
        let closest = try described("-n", "1000", "--order", "closest")
        #expect(Set(closest.compactMap(\.text)) == Set(shown.compactMap(\.text)))
        #expect(closest.compactMap(\.match_probability) == shown.compactMap(\.match_probability).sorted(by: >))
    }

    /// Captions of a file find their pictures, follow the file's changes, and leave with it.
    @Test func linkedCaptionsFilterPicturesFromEndToEnd() throws {
        let gallery = try Gallery.indexed(4)
        func write(_ lines: String...) throws {
            try gallery.folder.write("c.csv", Array((["file,text"] + lines).joined(separator: "\n").utf8))
            let output = try gallery.run("index", "--texts", "c.csv")
            #expect(output.code == 0, "\(output.stderr)")
        }
        func dogs() throws -> [String] {
            try gallery.run("search", "x", "--where", "caption has dog", "--format", "paths").lines.sorted()
        }
        try gallery.folder.write("lost.csv", Array("file,text\np0.jpg,a\nq.jpg,b\nr.jpg,b\nq.jpg,c".utf8))
        let lost = try gallery.run("index", "--texts", "lost.csv")
        #expect(lost.code == 0 && lost.stderr == "penumbra: 2 linked pictures are not in the index, such as q.jpg\n")
        #expect(try gallery.run("forget", "--source", "lost.csv", "--yes").code == 0)
        try write("p0.jpg,a dog", "p1.jpg,a dog", "p2.jpg,a cat")
        #expect(try dogs() == ["p0.jpg", "p1.jpg"])
        #expect(try gallery.run("ls", "--in", "texts", "--format", "paths").lines.sorted() == ["a cat", "a dog"])
        try write("p1.jpg,a dog", "p2.jpg,a cat", "p3.jpg,the dog's bed")
        #expect(try dogs() == ["p1.jpg", "p3.jpg"])
        try write("p2.jpg,a cat")
        #expect(try dogs() == [])
        let texts = try gallery.run("search", "image:p2.jpg", "--in", "texts", "--format", "paths")
        #expect(texts.lines == ["a cat"])
    }

    /// Whatever encodes texts says what was lost of them.
    @Test func lossesOfTextsAreTold() throws {
        let gallery = try Gallery.indexed(1)
        let long = String(repeating: "bus ", count: 60)
        try gallery.folder.write("u.txt", Array("a \u{A9E5} dog\n\(long)\na cat".utf8))
        let encoded = try gallery.run("encode", "--texts", "u.txt")
        #expect(encoded.code == 0 && encoded.lines.count == 3 && encoded.errors.count == 2, "\(encoded.stderr)")
        #expect(encoded.errors.first == "penumbra: a \u{A9E5} dog: the model does not know: \u{A9E5}")
        #expect(encoded.errors.last?.hasSuffix(": longer than the model's context; its end was not looked at") == true)
        let pairs = "{\"file\": \"p0.jpg\", \"text\": \"a \u{A9E5} dog\"}\n"
        try gallery.folder.write("pairs.jsonl", Array(pairs.utf8))
        let evaluated = try gallery.run("evaluate", "retrieval", "pairs.jsonl")
        #expect(evaluated.code == 0 && evaluated.stderr.contains("the model does not know: \u{A9E5}"))
    }

    /// Each warning names its query; rows without a match probability find nothing that is probable.
    @Test func filesOfQueriesSayWhichQueryIsMeant() throws {
        let gallery = try Gallery.indexed(4)
        try gallery.folder.write("q.txt", Array("a black dog on a city street\na washing machine\na \u{A9E5} dog".utf8))
        let output = try gallery.run("search", "--queries", "q.txt", "--format", "jsonl")
        #expect(output.code == 0 && output.lines.count == 3)
        #expect(output.errors.contains("penumbra: query 2: the model does not know: \u{A9E5}"), "\(output.stderr)")
        let unconvincing = output.errors.filter { $0.hasPrefix("penumbra: no confident match for quer") }
        #expect(unconvincing.count == 1 && unconvincing.allSatisfy { $0.contains(" 1") && !$0.contains(" 0") })
        let encoded = try gallery.run("encode", "p0.jpg", "--texts", "q.txt", "--output", "mixed.safetensors")
        #expect(encoded.code == 0, "\(encoded.stderr)")
        let mixed = try gallery.run(
            "search", "--queries", "mixed.safetensors", "--format", "jsonl", "--min-probability", "0.2")
        #expect(mixed.code == 0 && mixed.lines.count == 4, "\(mixed.stderr)")
        #expect(mixed.lines.count { $0.hasSuffix("\"matches\":[]}") } == 3, "only the dog is there: \(mixed.text)")
        #expect(try gallery.run("encode", "p0.jpg", "--output", "pictures.safetensors").code == 0)
        let none = try gallery.run("search", "--queries", "pictures.safetensors", "--min-probability", "0.2")
        #expect(none.code == 64 && none.stdout.isEmpty)
    }

    @Test func filesOfQueriesKeepTheirOrder() throws {
        let gallery = try Gallery.indexed(5)
        try gallery.folder.write("q.txt", Array("a dog\r\n\r\na red car".utf8))
        let lines = try gallery.run("search", "--queries", "q.txt", "--format", "jsonl", "-n", "2").lines
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("{\"query_index\":0,\"query\":\"a dog\",\"matches\":[{\"rank\":1,"))
        #expect(lines[1] == "{\"query_index\":1,\"query\":\"\",\"matches\":[]}")
        let encoded = try gallery.run("encode", "--texts", "q.txt", "--output", "q.safetensors")
        #expect(encoded.code == 0)
        let rows = try gallery.run("search", "--queries", "q.safetensors", "--format", "jsonl", "-n", "2").lines
        #expect(rows.count == 3 && rows[0] == lines[0] && rows[2] == lines[2])
        let tsv = try gallery.run("search", "--queries", "q.txt", "--format", "tsv", "-n", "2").lines
        #expect(tsv.count == 5 && tsv[0].hasPrefix("query_index\trank\t") && tsv[3].hasPrefix("2\t1\t"))
    }

    @Test func aVagueQueryIsToldSo() throws {
        let gallery = try Gallery.indexed(2)
        let vague = try gallery.run("search", "something")
        #expect(vague.errors.contains { $0.hasPrefix("penumbra: the query is vague: vaguer than 9") })
        let precise = try gallery.run("search", "a black dog on a city street")
        #expect(!precise.stderr.contains("vague"))
    }
}
