// Files and texts to rows in the order they were given, and rows to a file that says what they are.
import Foundation
import Penumbra
import TestSupport
import Testing

@Suite struct EncodingTests {
    static func picture(_ path: String) -> EncodingInput { .picture(Array(path.utf8)) }
    static func gallery(_ name: String) -> String { Fixtures.repository("Examples/Gallery/\(name)") }

    /// All rows of some inputs.
    static func rows(_ model: Model, _ inputs: [EncodingInput], jobs: Int = 2) async throws -> [EncodedRow] {
        var rows: [EncodedRow] = []
        try await model.encode(inputs, jobs: jobs) { rows.append($0) }
        return rows
    }

    /// The name of what a row encodes.
    static func name(_ input: EncodingInput) -> String {
        switch input {
        case .picture(let path): String(decoding: path, as: UTF8.self)
        case .text(let text): text
        }
    }

    static func isClose(_ a: [Float], _ b: [Float]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || abs($0 - $1) < 1e-5 }
    }

    @Test(arguments: [1, 2, 5]) func rowsComeInOrder(jobs: Int) async throws {
        let model = try Model.builtin()
        // More than two shares of eight, kinds and failures mixed, blank texts too.
        let inputs: [EncodingInput] = (0..<19).map { index in
            switch index % 4 {
            case 0: Self.picture(Self.gallery("scene-00\(index % 10).jpg"))
            case 1: .text("a dog number \(index)")
            case 2: .text("")
            default: Self.picture("nowhere-\(index).jpg")
            }
        }
        let rows = try await Self.rows(model, inputs, jobs: jobs)
        #expect(rows.map { Self.name($0.input) } == inputs.map(Self.name))
        for (index, row) in rows.enumerated() {
            switch (row.result, inputs[index]) {
            case (.success(let gaussian), .text(let text)):
                let expected = try model.encode(texts: [text])[0]
                #expect(Self.isClose(gaussian.mean, expected.mean), "row \(index)")
                #expect(Self.isClose(gaussian.logVariance, expected.logVariance), "row \(index)")
            case (.success(let gaussian), .picture):
                let expected = try model.encode(pictureAt: Self.name(inputs[index]))
                #expect(Self.isClose(gaussian.mean, expected.mean), "row \(index)")
            case (.failure(let failure), _):
                #expect(index % 4 == 3)
                #expect(failure.description == "No such file or directory")
            }
        }
    }

    @Test func nothingGivesNothing() async throws {
        let rows = try await Self.rows(Model.builtin(), [])
        #expect(rows.isEmpty)
    }

    @Test func filesThatAreNoPicturesFailAlone() async throws {
        let folder = try TemporaryFolder()
        try folder.write("empty.jpg", [])
        try folder.write("page.jpg", Array("<html></html>".utf8))
        let model = try Model.builtin()
        let names = ["empty.jpg", "page.jpg"].map(folder.file) + [folder.path, Self.gallery("scene-001.jpg")]
        let rows = try await Self.rows(model, names.map(Self.picture))
        let failures = rows.map { row in
            if case .failure(let failure) = row.result { failure.description } else { nil as String? }
        }
        #expect(failures[0] == "the file is empty")
        #expect(failures[1]?.hasPrefix("not a picture: ") == true)
        #expect(failures[2] == "not a regular file")
        #expect(failures[3] == nil)
    }

    @Test func theErrorOfTheReceiverEndsTheRun() async throws {
        struct Enough: Error {}
        var seen = 0
        await #expect(throws: Enough.self) {
            try await Model.builtin().encode((0..<40).map { .text("\($0)") }, jobs: 2) { _ in
                seen += 1
                if seen == 3 { throw Enough() }
            }
        }
        #expect(seen == 3)
    }

    @Test func theFileSaysWhatItsRowsAre() throws {
        let folder = try TemporaryFolder()
        let model = try Model.builtin()
        let path = folder.file("rows.safetensors")
        let file = try EncodingFile(path: path, model: model)
        var generator = SeededGenerator(seed: 1)
        let gaussians = (0..<3).map { _ in generator.gaussian(dimension: model.dimension) }
        try file.append(.text("a \"quoted\" / text\n日本"), gaussians[0])
        try file.append(Self.picture("b/é.jpg"), gaussians[1])
        try file.append(.text(""), gaussians[2])
        #expect(!FileManager.default.fileExists(atPath: path))
        try file.finish()
        let read = try RowsFile(path: path)
        #expect(read.means == gaussians.map(\.mean))
        #expect(read.logVariances == gaussians.map(\.logVariance))
        #expect(
            read.metadata == [
                "names": "[\"a \\\"quoted\\\" / text\\n日本\",\"b/é.jpg\",\"\"]",
                "kinds": "[\"text\",\"image\",\"text\"]",
                "model_fingerprint": model.fingerprint, "encoding_id": model.encodingID,
                "logit_scale": "\(model.matchScale.scale)", "logit_bias": "\(model.matchScale.bias)",
            ])
        #expect(Double(read.metadata["logit_scale"] ?? "") == model.matchScale.scale)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["rows.safetensors"])
    }

    @Test func namesThatAreNoUTF8AreKeptExactly() throws {
        let folder = try TemporaryFolder()
        let model = try Model.builtin()
        let file = try EncodingFile(path: folder.file("rows.safetensors"), model: model)
        let gaussian = Gaussian(point: [Float](repeating: 0, count: model.dimension))
        let paths: [[UInt8]] = [[0x61, 0xFF, 0x2E, 0x6A], Array("é.jpg".utf8)]
        for path in paths { try file.append(.picture(path), gaussian) }
        try file.finish()
        let read = try RowsFile(path: folder.file("rows.safetensors"))
        #expect(try read.list("names") == ["a\u{FFFD}.j", "é.jpg"])
        #expect(try read.list("names_base64")?.map { Data(base64Encoded: $0).map(Array.init) } == paths)
    }

    @Test func manyNamesGoToAFileOfTheirOwn() throws {
        let folder = try TemporaryFolder()
        let model = try Model.builtin()
        let gaussian = Gaussian(point: [Float](repeating: 0.5, count: model.dimension))
        let names = ["a b", "", "line\nend", "日本"]
        let json = (try VectorFixture.json(names), #"["text","text","text","text"]"#)
        let size = json.0.utf8.count + json.1.utf8.count
        for limit in [size + 1, size - 1] {
            let path = folder.file("rows-\(limit).safetensors")
            let file = try EncodingFile(path: path, model: model, maximumMetadataSize: limit)
            for name in names { try file.append(.text(name), gaussian) }
            try file.finish()
            let read = try RowsFile(path: path)
            #expect(read.means.count == 4)
            #expect(try read.list("kinds")?.count == (limit > size ? 4 : nil))
            #expect(try read.list("names") == (limit > size ? names : nil))
            #expect((read.metadata["names_sha256"] == nil) == (limit > size))
            let lines = try? String(contentsOfFile: "\(path).names.jsonl", encoding: .utf8)
            let expected = names.map { "{\"name\":\"\($0.replacing("\n", with: "\\n"))\",\"kind\":\"text\"}\n" }
            #expect(lines == (limit > size ? nil : expected.joined()))
        }
    }

    @Test func aModelWithoutBiasSaysNone() throws {
        let folder = try TemporaryFolder()
        let model = try Model(folder: Fixtures.path("models/options-no-logit"))
        let file = try EncodingFile(path: folder.file("rows.safetensors"), model: model)
        try file.finish()
        let read = try RowsFile(path: folder.file("rows.safetensors"))
        #expect(read.metadata["logit_bias"] == nil)
        #expect(read.metadata["logit_scale"] == "1.0")
        #expect(read.means.isEmpty)
    }

    @Test func aFileThatIsNotFinishedLeavesNothing() throws {
        let folder = try TemporaryFolder()
        let model = try Model.builtin()
        do {
            let file = try EncodingFile(path: folder.file("rows.safetensors"), model: model)
            try file.append(.text("a"), Gaussian(point: [Float](repeating: 0, count: model.dimension)))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        #expect(throws: (any Error).self) {
            try EncodingFile(path: folder.file("nowhere/rows.safetensors"), model: model)
        }
    }
}
