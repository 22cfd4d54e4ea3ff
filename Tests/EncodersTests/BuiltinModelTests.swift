// The built-in model end to end: files and strings to Gaussians, against the reference.
import Encoders
import Foundation
import Gaussians
import TestSupport
import Testing

@Suite struct BuiltinModelTests {
    static func list(_ goldens: Goldens, _ key: String) throws -> [String] {
        try JSONDecoder().decode([String].self, from: Data((goldens.file.metadata[key] ?? "[]").utf8))
    }

    static func worst(_ got: [Float], _ expected: ArraySlice<Double>) -> Double {
        guard got.count == expected.count else { return .infinity }
        return zip(got, expected).reduce(0) {
            let difference = abs(Double($1.0) - $1.1)
            return difference.isNaN ? .infinity : max($0, difference)
        }
    }

    static func expect(_ gaussians: [Gaussian], _ goldens: Goldens, _ kind: String) throws {
        let means = try goldens.doubles("\(kind).mean_f64")
        let logVariances = try goldens.doubles("\(kind).log_variance_f64")
        let shape = try goldens.shape("\(kind).mean_f64")
        #expect(gaussians.count == shape[0])
        for (row, gaussian) in gaussians.enumerated() {
            let range = (row * shape[1])..<((row + 1) * shape[1])
            #expect(worst(gaussian.mean, means[range]) < 1e-5, "\(kind) \(row)")
            #expect(worst(gaussian.logVariance, logVariances[range]) < 1e-5, "\(kind) \(row)")
        }
    }

    @Test func picturesFromFiles() throws {
        let goldens = try Goldens("expected/penumbra-tiny.safetensors")
        let model = try Model.builtin()
        let gaussians = try Self.list(goldens, "files").map {
            try model.encode(pictureAt: Fixtures.repository("Examples/Gallery/\($0)"))
        }
        try Self.expect(gaussians, goldens, "image")
    }

    @Test func textsFromStrings() throws {
        let goldens = try Goldens("expected/penumbra-tiny.safetensors")
        let texts = try Self.list(goldens, "texts")
        try Self.expect(try Model.builtin().encode(texts: texts), goldens, "text")
    }

    @Test func theModelFolderAndTheBuiltinModelAreOne() throws {
        let builtin = try Model.builtin()
        let folder = try Model(folder: Fixtures.repository("Sources/CBuiltinModel/penumbra-tiny"))
        #expect(builtin.encodingID == folder.encodingID)
        #expect(builtin.matchScale == folder.matchScale)
        #expect(builtin.unconvincingBelow == 0.05)
        #expect(try builtin.encode(texts: ["a dog"]) == folder.encode(texts: ["a dog"]))
        #expect(builtin.matchScale.slope == 0.979 && builtin.matchScale.offset == -2.2779)
        let weights = try Safetensors(
            path: Fixtures.repository("Sources/CBuiltinModel/penumbra-tiny/model.safetensors"))
        var checkpoint = Checkpoint(weights)
        let logScale = try checkpoint.scalar("logit_scale")
        #expect(abs(builtin.matchScale.scale - exp(Double(logScale))) < 1e-9)
    }

    /// The digests that are compiled in are those of the files, as `sha256sum` and everyone else computes them.
    @Test func theCompiledInFingerprintsAreThoseOfTheFiles() throws {
        func digest(_ name: String) throws -> String {
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
            process.arguments = [Fixtures.repository("Sources/CBuiltinModel/penumbra-tiny/\(name)")]
            process.standardOutput = output
            try process.run()
            let line = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return String(line.prefix(64))
        }
        let builtin = try ModelRegistry().open(Model.builtinName)
        #expect(try builtin.fingerprint == digest("model.safetensors"))
        #expect(try builtin.tokenizerFingerprint() == digest("tokenizer.json"))
    }

    @Test func foldersThatAreNoModelAreRefusedByName() throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: FileError.self) { try Model(folder: folder.path) }
        #expect(error?.description == "\(folder.path): no model here, config.json is missing")
        let nano = try Model(folder: Fixtures.path("models/nano"))
        let missing = #expect(throws: FileError.self) { try nano.encode(texts: ["x"]) }
        #expect(missing?.reason == "the model has no tokenizer.json: it encodes pictures only, not texts")
    }
}
