// Results to table, TSV, JSON lines and paths.
import Engine
import Foundation
import Gaussians
import Presentation
import Storage
import TestSupport
import Testing

@Suite struct ResultFormatTests {
    let style = PathStyle(root: "/p", current: "/p")
    static let hostile = Array("a\t\n\"\\\u{1B}[2J\u{7F}é.jpg".utf8)
    static let foreign: [UInt8] = Array("f".utf8) + [0xFF] + Array(".jpg".utf8)

    /// The answers to a query over synthetic Gaussians stored under some names.
    func answer(_ names: [[UInt8]], of kind: Engine.Collection = .texts) async throws -> SearchAnswer {
        let folder = try TemporaryFolder()
        let index = try Index.create(at: folder.file(".penumbra"), root: folder.path, model: .builtin())
        var generator = SeededGenerator(seed: 3)
        let dimension = try index.model().dimension
        var batch = Batch()
        batch.additions = names.map { name in
            NewItem(name: name, file: nil, vector: .gaussian(generator.gaussian(dimension: dimension)))
        }
        try IndexWriter(IndexStore(path: index.folder)).commit(batch)
        return try index.search(near: generator.gaussian(dimension: dimension), of: kind)
    }

    func lines(_ renderer: any ResultRenderer, _ answer: SearchAnswer) -> String {
        String(decoding: renderer.render(answer), as: UTF8.self)
    }

    @Test func jsonLines() async throws {
        let answer = try await answer([Self.hostile, Self.foreign, Array("plain.jpg".utf8)])
        let lines = lines(JSONLinesRenderer(), answer).split(separator: "\n").dropFirst().dropLast()
        #expect(lines.count == 3)
        for (line, result) in zip(lines, answer.results) {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let keys: Set = [
                "type", "rank", "path", "path_base64", "csd", "match_probability", "percentile", "total_variance",
            ]
            if result.path == Self.foreign {
                #expect(object["path_base64"] as? String == Data(Self.foreign).base64EncodedString())
                #expect(object["path"] as? String == "f\u{FFFD}.jpg")
            } else {
                #expect((object["path"] as? String).map { Array($0.utf8) } == result.path)
                #expect(object["path_base64"] is NSNull)
            }
            #expect(Set(object.keys) == keys)
            #expect(object["rank"] as? Int == result.rank)
            // JSONSerialization on Linux is an ulp off at times: the digits themselves are what counts.
            let probability = try #require(result.matchProbability)
            let numbers = [
                ("csd", result.csd), ("match_probability", probability), ("total_variance", result.totalVariance),
            ]
            for (key, value) in numbers {
                #expect(abs(try #require(object[key] as? Double) - value) <= 1e-14 * abs(value))
                #expect(line.contains("\"\(key)\":\(value)"))
            }
        }
    }

    @Test func betweenPicturesThereIsNoProbability() async throws {
        let result = try #require(try await answer([Array("a.jpg".utf8)], of: .images).results.first)
        let json = String(decoding: JSONLinesRenderer().line(result), as: UTF8.self)
        #expect(json.contains("\"match_probability\":null") && json.contains("\"percentile\":"))
        let tsv = String(decoding: TSVRenderer(style).line(result), as: UTF8.self)
        #expect(tsv.split(separator: "\t", omittingEmptySubsequences: false)[3] == "")
        #expect(String(decoding: TableRenderer(style, width: nil).line(result), as: UTF8.self).contains("     -  "))
    }

    @Test func tabSeparatedValues() async throws {
        let answer = try await answer([Self.hostile, Self.foreign, Array("plain.jpg".utf8)])
        let rows = lines(TSVRenderer(style), answer).split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false)
        }
        #expect(rows.count == 4)
        #expect(rows[0] == ["rank", "path", "csd", "match_probability", "total_variance", "percentile"])
        for (row, result) in zip(rows.dropFirst(), answer.results) {
            #expect(row.count == 6 && row[5] == "")
            #expect(row[0] == "\(result.rank)" && row[1] == Escaping.visible(result.path))
            #expect(Double(row[2]) == result.csd && Double(row[4]) == result.totalVariance)
            #expect(Double(row[3]) == result.matchProbability)
        }
    }

    @Test func pathsAreExactBeforeNULAndEscapedInLines() async throws {
        let answer = try await answer([Self.hostile, Self.foreign])
        let exact = PathRenderer(style, isNullTerminated: true)
        let bytes = exact.render(answer)
        #expect(bytes.split(separator: 0).map { Array($0) } == answer.results.map(\.path))
        #expect(bytes.last == 0)
        let shown = lines(PathRenderer(style, isNullTerminated: false), answer).split(separator: "\n")
        #expect(shown.map(String.init) == answer.results.map { Escaping.visible($0.path) })
    }

    @Test(arguments: [20, 51, 60, 80, 132]) func theTableFitsItsTerminal(_ width: Int) async throws {
        let name = String(repeating: "folder/", count: 20) + "end.jpg"
        let answer = try await answer([Array(name.utf8), Array("s.jpg".utf8)])
        let rows = lines(TableRenderer(style, width: width), answer).split(separator: "\n")
        #expect(rows.count == 3)
        #expect(rows.dropFirst().allSatisfy { $0.count <= max(width, 51) })
        let long = try #require(rows.first { $0.contains("\u{2026}") })
        #expect(long.count == max(width, 51) && long.hasSuffix("end.jpg"))
        #expect(rows.contains { $0.hasSuffix("  s.jpg") })
    }

    @Test func theTableIsWholeWithoutATerminal() async throws {
        let name = String(repeating: "folder/", count: 20) + "end.jpg"
        let rows = lines(TableRenderer(style, width: nil), try await answer([Array(name.utf8)])).split(separator: "\n")
        #expect(rows[0] == "   #  match      csd  uncertainty  path")
        #expect(rows[1].hasSuffix("  " + name) && rows[1].hasPrefix("   1  "))
        #expect(rows[1].count == 35 + name.count, "the path begins below its heading")
    }

    @Test(arguments: [
        (0, "<1 %"), (0.0099, "<1 %"), (0.01, "1 %"), (0.014, "1 %"), (0.015, "2 %"), (0.5, "50 %"), (0.868, "87 %"),
        (0.9899, "99 %"), (0.99, ">99 %"), (1, ">99 %"),
    ]) func percent(_ probability: Double, _ text: String) {
        #expect(TableRenderer.percent(probability) == text)
    }
}
