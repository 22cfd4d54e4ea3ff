// `penumbra evaluate` on the built program: a small gallery, both formats, what is missing, what is refused.
import Foundation
import TestSupport
import Testing

@Suite struct EvaluateTests {
    struct Retrieval: Decodable {
        struct Row: Decodable {
            let file, direction: String
            let queries, candidates: Int
            let recall_at_1, recall_at_5, recall_at_10, median_rank, r_precision, map_at_r: Double
        }
        let type, model, encoding_id: String
        let rows: [Row]
    }

    /// Twenty pictures of the gallery and their captions.
    static func gallery() throws -> Gallery {
        let gallery = try Gallery(0)
        let captions = try String(
            contentsOf: URL(fileURLWithPath: Fixtures.repository("Examples/Gallery/captions.jsonl")), encoding: .utf8)
        let lines = captions.split(separator: "\n").prefix(20)
        for number in 0..<lines.count {
            try gallery.folder.write(String(format: "scene-%03d.jpg", number), Gallery.content(number))
        }
        try gallery.folder.write("captions.jsonl", Array((lines.joined(separator: "\n") + "\n").utf8))
        return gallery
    }

    @Test func retrieval() throws {
        let gallery = try Self.gallery()
        let table = try gallery.run("evaluate", "retrieval", "captions.jsonl")
        #expect(table.code == 0 && table.stderr == "", "\(table.stderr)")
        #expect(table.lines.count == 3 && table.lines[1].hasPrefix("text to picture"))
        let run = try gallery.run("evaluate", "retrieval", "captions.jsonl", "captions.jsonl", "--format", "json")
        let report = try JSONDecoder().decode(Retrieval.self, from: Data(run.stdout))
        #expect(report.type == "retrieval" && report.model == "penumbra-tiny" && report.rows.count == 4)
        let row = try #require(report.rows.first)
        #expect(row.direction == "text_to_picture" && row.queries == 20 && row.candidates == 20)
        #expect(row.recall_at_1 >= 0.8 && row.recall_at_10 == 1 && row.median_rank == 1)
        #expect(row.recall_at_1 <= row.recall_at_5 && row.recall_at_5 <= row.recall_at_10)
        // One picture a text, so that the three are the same.
        #expect(row.r_precision == row.recall_at_1 && row.map_at_r == row.recall_at_1)
        #expect(try gallery.run("evaluate", "retrieval", "captions.jsonl").stdout == table.stdout)
    }

    @Test func aMissingPictureIsAFailureAndTheRestIsMeasured() throws {
        let gallery = try Self.gallery()
        try FileManager.default.removeItem(atPath: gallery.folder.file("scene-007.jpg"))
        let run = try gallery.run("evaluate", "retrieval", "captions.jsonl", "--format", "json")
        #expect(run.code == 2)
        #expect(run.stderr == "penumbra: scene-007.jpg: No such file or directory\n")
        let report = try JSONDecoder().decode(Retrieval.self, from: Data(run.stdout))
        #expect(report.rows.map(\.queries) == [19, 19] && report.rows.map(\.candidates) == [19, 20])
    }

    @Test func whereNothingWasAskedThereAreNoFigures() throws {
        let folder = try TemporaryFolder()
        try folder.write("gone.jsonl", Array(#"{"file": "gone.jpg", "text": "a dog"}"#.utf8))
        let table = try Program.run(["evaluate", "retrieval", "gone.jsonl"], in: folder.path)
        #expect(table.code == 2 && !table.text.contains("0.0") && table.lines[1].contains("  -  "), "\(table.text)")
        let json = try Program.run(["evaluate", "retrieval", "gone.jsonl", "--format", "json"], in: folder.path)
        #expect(json.text.contains(#""median_rank":null"#) && json.text.contains(#""recall_at_1":null"#))
        let schema = try JSONSchema(
            Data(contentsOf: URL(fileURLWithPath: Fixtures.repository("docs/output.schema.json"))))
        #expect(schema.mistakes(in: json.text) == [])
        let typed = try Program.run(["evaluate", "retrieval", "none.doc"], in: folder.path)
        #expect(typed.code == 2 && typed.stderr.contains("none.doc: No such file or directory"))
    }

    @Test func whatCannotBeEvaluated() throws {
        let folder = try TemporaryFolder()
        let missing = try Program.run(["evaluate", "retrieval", "none.jsonl"], in: folder.path)
        #expect(missing.code == 2 && missing.stderr.contains("none.jsonl: No such file or directory"))
        try folder.write("empty.jsonl", [])
        let empty = try Program.run(["evaluate", "retrieval", "empty.jsonl"], in: folder.path)
        #expect(empty.code == 2 && empty.stderr == "penumbra: empty.jsonl: no row has a picture and a text\n")
        let noChain = try Program.run(["evaluate", "hierarchy", "empty.jsonl"], in: folder.path)
        #expect(noChain.code == 2 && noChain.stderr == "penumbra: empty.jsonl: no chain of two levels or more\n")
        let rule = try Program.run(["evaluate", "hierarchy", "empty.jsonl", "--rule", "magic"], in: folder.path)
        #expect(rule.code == 64 && rule.stderr.contains("no rule 'magic'; there are: all, ascent"))
        let points = try Program.run(
            ["evaluate", "hierarchy", "empty.jsonl", "--model", Fixtures.path("models/options-points")], in: folder.path
        )
        #expect(points.code == 2 && points.stderr.contains("gives points without uncertainty"))
    }

    #if !DEBUG
        @Test func hierarchy() throws {
            let gallery = try Self.gallery()
            let run = try gallery.run("evaluate", "hierarchy", "captions.jsonl", "--rule", "all", "--format", "json")
            #expect(run.code == 0 && run.stderr == "", "\(run.stderr)")
            let report = try #require(try JSONSerialization.jsonObject(with: Data(run.stdout)) as? [String: Any])
            #expect(report["type"] as? String == "hierarchy" && report["chains"] as? Int == 20)
            #expect(report["pictures"] as? Int == 20)
            let rules = try #require(report["rules"] as? [[String: Any]])
            #expect(rules.count == 8 && rules.count { $0["is_default"] as? Bool == true } == 1)
            #expect(rules.first?["rule"] as? String == "ascent")
            for rule in rules {
                for part in ["general", "specific"] {
                    let figures = try #require(rule[part] as? [String: Double])
                    #expect(figures.count == 6 && figures.values.allSatisfy { (0...1).contains($0) })
                }
            }
            let table = try gallery.run("evaluate", "hierarchy", "captions.jsonl", "--rule", "csd")
            #expect(table.lines.contains { $0.hasPrefix("csd ") } && !table.text.contains("containment"))
        }
    #endif
}
