// Files that an index does not take: each refused with its row, and nothing stored.
import Encoders
import Engine
import Foundation
import Gaussians
import Storage
import TestSupport
import Testing

@Suite struct ImportRefusalTests {
    /// Ways to spoil row 2, and what is said of it.
    static let spoilt: [(reason: ImportRefusal.Reason, spoil: @Sendable (inout Gaussian) -> Void)] = [
        (.notANumber(tensor: "mean", column: 4), { $0.mean[3] = .nan }),
        (.notANumber(tensor: "log_variance", column: 192), { $0.logVariance[191] = .nan }),
        (.infinite(tensor: "mean", column: 1), { $0.mean[0] = .infinity }),
        (.infinite(tensor: "mean", column: 1), { $0.mean[0] = -.infinity }),
        (.infinite(tensor: "log_variance", column: 9), { $0.logVariance[8] = .infinity }),
        (.partOfAPoint(column: 5), { $0.logVariance[4] = -.infinity }),
        (.point, { $0.logVariance = $0.logVariance.map { _ in -.infinity } }),
        (.tooVague(column: 2, logVariance: 701), { $0.logVariance[1] = 701 }),
        (.length(0), { $0.mean = $0.mean.map { _ in 0 } }),
    ]

    @Test(arguments: spoilt.indices) func rowsThatAreNoGaussians(number: Int) async throws {
        let imports = try Imports()
        var fixture = try imports.fixture(imports.gaussians(4))
        Self.spoilt[number].spoil(&fixture.gaussians[1])
        let refusal = try #require(try await imports.refusal(fixture))
        #expect(refusal.reason == Self.spoilt[number].reason)
        #expect(refusal.row == 2 && refusal.name == Array("p1.jpg".utf8))
        #expect(refusal.description.contains(".safetensors: row 2: "))
        #expect(try imports.index.status().images == 0 && imports.index.status().generation == 0)
    }

    @Test func lengthsAreToleratedToAThousandth() async throws {
        let imports = try Imports()
        for (factor, isTaken) in [(1.0009, true), (0.9991, true), (1.0011, false), (0.9989, false)] as [(Float, Bool)] {
            var fixture = try imports.fixture(imports.gaussians(3), ["\(factor)", "b", "c"])
            fixture.gaussians[0].mean = fixture.gaussians[0].mean.map { $0 * factor }
            let refusal = try await imports.refusal(fixture)
            #expect((refusal == nil) == isTaken, "\(factor)")
            guard isTaken else {
                guard case .length(let length) = refusal?.reason else { Issue.record("\(factor)"); continue }
                #expect(abs(length - Double(factor)) < 1e-5 && refusal?.row == 1)
                continue
            }
            let stored = try #require(
                try imports.exported().means.last { abs($0[0]) == abs(fixture.gaussians[0].mean[0]) })
            #expect(stored == fixture.gaussians[0].mean, "stored as given")
        }
    }

    /// The first wrong row of the file is named, whichever piece is read first.
    @Test func theFirstOfSeveral() async throws {
        let imports = try Imports()
        let rows = imports.gaussians(8)
        var fixture = try imports.fixture((0..<25_000).map { rows[$0 % 8] })
        for row in [24_000, 12_345, 12_346] { fixture.gaussians[row].mean[0] = .nan }
        #expect(try await imports.refusal(fixture)?.row == 12_346)
        #expect(try imports.index.status().images == 0)
    }

    @Test func aNameTwiceWithUnlikeRows() async throws {
        let imports = try Imports()
        var rows = imports.gaussians(4)
        rows[3] = rows[0]
        rows[3].logVariance[5] = rows[0].logVariance[5].nextUp
        let refusal = try await imports.refusal(imports.fixture(rows, ["a", "b", "c", "a"]))
        #expect(refusal?.row == 4 && refusal?.reason == .repeated(row: 1))
        #expect(refusal?.description.hasSuffix("row 4: has the name of row 1, and another Gaussian") == true)
    }

    @Test func kindsAndNames() async throws {
        let imports = try Imports()
        var fixture = try imports.fixture(imports.gaussians(3))
        fixture.metadata["kinds"] = #"["image","text","image"]"#
        var refusal = try await imports.refusal(fixture)
        #expect(refusal?.row == 2 && refusal?.reason == .kind(got: "text", expected: .images))
        refusal = try await imports.refusal(fixture, as: .texts)
        #expect(refusal?.row == 1 && refusal?.reason == .kind(got: "image", expected: .texts))
        fixture.metadata["kinds"] = #"["image","smell","image"]"#
        #expect(try await imports.refusal(fixture)?.row == 2)
        fixture.metadata["kinds"] = #"["image","image"]"#
        #expect(try await imports.refusal(fixture)?.reason == .count(of: "kinds", got: 2, expected: 3))
        fixture.metadata["kinds"] = #"["image","image"#
        guard case .names = try await imports.refusal(fixture)?.reason else {
            Issue.record("kinds are no JSON")
            return
        }
        fixture.metadata["kinds"] = nil
        fixture.metadata["names"] = #"["a","b"]"#
        #expect(try await imports.refusal(fixture)?.reason == .count(of: "names", got: 2, expected: 3))
        fixture.metadata["names"] = #"["a","","c"]"#
        refusal = try await imports.refusal(fixture)
        #expect(refusal?.row == 2 && refusal?.reason == .emptyName)
        for damaged in ["", "{}", "[1,2,3]", #"["a","b","c"] d"#, #"["a","b",]"#] {
            fixture.metadata["names"] = damaged
            guard case .names = try await imports.refusal(fixture)?.reason else {
                Issue.record("\(damaged)")
                return
            }
        }
        fixture.metadata["names"] = nil
        #expect(try await imports.refusal(fixture)?.reason == .unnamed)
        fixture.metadata["names_base64"] = try VectorFixture.json(["YQ==", "/w==", "Yw=="])
        refusal = try await imports.refusal(fixture, as: .texts)
        #expect(refusal?.row == 2 && refusal?.reason == .nameNotUTF8)
        #expect(try imports.index.status().generation == 0)
        try await #expect(imports.take(fixture).counts == "3 added")
        #expect(try imports.exported().list("names_base64") == ["YQ==", "/w==", "Yw=="])
    }

    @Test func namesFromATextFile() async throws {
        let imports = try Imports()
        var fixture = try imports.fixture(imports.gaussians(3), kind: nil)
        fixture.metadata["names"] = nil
        let path = imports.folder.file("names.txt")
        for (text, names) in [
            ("a dog\nb\u{E9}\n\nx", nil), ("a\nb", nil), ("a dog\r\n\nc", ["a dog", "", "c"]),
            ("d\ne\nf\n", ["d", "e", "f"]),
        ] as [(String, [String]?)] {
            try imports.folder.write("names.txt", Array(text.utf8))
            guard let names else {
                let got = text.split(separator: "\n", omittingEmptySubsequences: false).count
                let refusal = try await imports.refusal(fixture, as: .texts, names: path)
                #expect(refusal?.reason == .count(of: "names", got: got, expected: 3))
                continue
            }
            try await imports.take(fixture, as: .texts, source: text, names: path)
            #expect(try imports.exported(source: text).list("names") == names)
        }
        // What is given goes before what the file says.
        fixture.metadata["names"] = try VectorFixture.json(["x", "y", "z"])
        try await imports.take(fixture, as: .texts, source: "given", names: path)
        #expect(try imports.exported(source: "given").list("names") == ["d", "e", "f"])
    }

    @Test func tensors() async throws {
        let imports = try Imports()
        let fixture = try imports.fixture(imports.gaussians(2))
        for (name, type, got) in [
            ("mean", nil, "missing"), ("log_variance", nil, "missing"), ("mean", "BF16", "BF16[2, 192]"),
        ] as [(String, String?, String)] {
            var spoilt = fixture
            spoilt.types[name] = type
            #expect(try await imports.refusal(spoilt)?.reason == .tensor(name, got: got))
        }
        let narrow = try VectorFixture(
            [Gaussian(mean: [1, 0], logVariance: [-3, -3])], names: ["a"], encodingID: imports.model.encodingID)
        let refusal = try await imports.refusal(narrow)
        #expect(refusal?.row == 1 && refusal?.reason == .dimension(got: 2, expected: 192))
        await #expect(throws: (any Error).self) { try await imports.take(fixture, names: "/nowhere") }
        #expect(throws: FileError.self) { try VectorFile(path: imports.folder.file("nowhere")) }
    }

    @Test func encodings() async throws {
        let imports = try Imports()
        let model = imports.model
        var fixture = try imports.fixture(imports.gaussians(2))
        fixture.metadata["encoding_id"] = "other"
        #expect(
            try await imports.refusal(fixture)?.reason
                == .foreignEncoding(got: "other", expected: model.encodingID))
        #expect(
            try await imports.refusal(fixture, model: model)?.reason != nil, "--model does not change what a file says")
        fixture.metadata["encoding_id"] = nil
        #expect(try await imports.refusal(fixture)?.reason == .noEncodingID)
        fixture.metadata["model_fingerprint"] = "abc"
        for named in [nil, model] {
            #expect(
                try await imports.refusal(fixture, model: named)?.reason
                    == .foreignFingerprint(got: "abc", expected: model.fingerprint))
        }
        fixture.metadata["model_fingerprint"] = nil
        let other = try Model(folder: Fixtures.path("models/nano"))
        #expect(
            try await imports.refusal(fixture, model: other)?.reason
                == .foreignEncoding(got: other.encodingID, expected: model.encodingID))
        #expect(try imports.index.status().generation == 0)
        try await #expect(imports.take(fixture, model: model).counts == "2 added")
    }

    /// Equal encoding ids are enough: the model itself need not be there.
    @Test func theModelNeedNotBeAtHand() async throws {
        let imports = try Imports()
        let index = try imports.orphaned(dimension: 192)
        var fixture = try imports.fixture(imports.gaussians(3))
        fixture.metadata["encoding_id"] = "elsewhere"
        try await #expect(imports.take(fixture, into: index).counts == "3 added")
        let read = try imports.exported(from: index)
        #expect(read.means == fixture.gaussians.map(\.mean) && read.metadata["encoding_id"] == "elsewhere")
        #expect(read.metadata["logit_scale"] == nil)
        // Points alone may be a point model's; beside others they are damage.
        fixture.gaussians[1].logVariance = [Float](repeating: -.infinity, count: 192)
        let refusal = try await imports.refusal(fixture, into: index)
        #expect(refusal?.row == 2 && refusal?.reason == .point)
        fixture.gaussians = fixture.gaussians.map { Gaussian(point: $0.mean) }
        try await #expect(imports.take(fixture, into: index).counts == "3 changed")
    }

    @Test func aPointModelsRows() async throws {
        let imports = try Imports()
        let model = try Model(folder: Fixtures.path("models/options-points"))
        let index = try Index.create(at: imports.folder.file("points"), root: imports.folder.path, model: model)
        var generator = SeededGenerator(seed: 5)
        var rows = (0..<3).map { _ in Gaussian(point: generator.gaussian(dimension: model.dimension).mean) }
        func fixture() throws -> VectorFixture {
            try VectorFixture(rows, names: ["a", "b", "c"], encodingID: model.encodingID)
        }
        try await #expect(imports.take(fixture(), into: index).counts == "3 added")
        let read = try imports.exported(from: index)
        #expect(read.means == rows.map(\.mean) && read.logVariances == rows.map(\.logVariance))
        rows[2].logVariance[0] = -1
        let refusal = try await imports.refusal(fixture(), into: index)
        #expect(refusal?.row == 3 && refusal?.reason == .partOfAPoint(column: 2))
        #expect(try index.verify().damages.isEmpty)
    }

    @Test func anExportThatCannotBeWritten() async throws {
        let imports = try Imports()
        try await imports.take(imports.fixture(imports.gaussians(2)))
        #expect(throws: FileError.self) { try imports.index.exportVectors(to: imports.folder.file("none/x")) }
        try imports.folder.write("folder/x", [1])
        #expect(throws: FileError.self) { try imports.index.exportVectors(to: imports.folder.file("folder")) }
        let left = try FileManager.default.contentsOfDirectory(atPath: imports.folder.path)
        #expect(left.allSatisfy { !$0.hasPrefix(".penumbra-") }, "nothing is left behind: \(left)")
    }
}
