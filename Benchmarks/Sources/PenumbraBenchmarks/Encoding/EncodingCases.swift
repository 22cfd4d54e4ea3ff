// Encoding, indexing and starting, with a model of ViT-B/16's shape: the cases of encoding.jsonl.
import Foundation
import Penumbra

/// What the cases of ViT-B/16 work on and with.
struct EncodingCases {
    /// The built program.
    let program: String
    /// Gallery pictures.
    let gallery: String
    /// A folder of 12-megapixel JPEG files, or nil.
    let photographs: String?
    /// Where models and indexes are made.
    let workplace: String
    let report: (Measurement, _ note: String?) -> Void

    private var model: String { "\(workplace)/ViT-B-16" }
    /// Keeps fingerprints and compiled tokenizers, as a user's does, and nothing of the user's.
    private var environment: [String: String] {
        ["XDG_CACHE_HOME": "\(workplace)/cache", "XDG_CONFIG_HOME": "\(workplace)/config"]
    }
    /// Precisions this program and machine have; says which not.
    private var precisions: [Precision] {
        Precision.allCases.filter { precision in
            guard let obstacle = precision.obstacle else { return true }
            FileHandle.standardError.write(Data("precision=\(precision.rawValue) skipped: \(obstacle)\n".utf8))
            return false
        }
    }

    /// Makes the model where it is not yet.
    func prepare(tokenizer: String) throws {
        if FileManager.default.fileExists(atPath: "\(model)/tokenizer.json") { return }
        try RandomModel.write(to: model, tokenizer: tokenizer)
    }

    /// Pictures and texts in batches, on all cores: decoded pictures are small, so that the tower counts.
    func encode() async throws {
        let pictures = try FileManager.default.contentsOfDirectory(atPath: gallery).filter { $0.hasSuffix(".jpg") }
            .sorted().prefix(32).map { EncodingInput.picture(Array("\(gallery)/\($0)".utf8)) }
        let texts = (0..<32).map { EncodingInput.text("a photo of a dog on a beach, number \($0)") }
        for precision in precisions {
            var options = EncodingOptions()
            options.precision = precision
            let model = try Model(folder: model, options)
            for (kind, inputs) in [("pictures", pictures), ("texts", texts)] {
                for batch in [1, 8, 32] {
                    let share = Array(inputs.prefix(batch))
                    let name = "encode/\(kind)/model=ViT-B-16/precision=\(precision.rawValue)/batch=\(batch)"
                    report(
                        try await measure(name, items: batch) {
                            try await model.encode(share) { _ = try $0.result.get() }
                        }, nil)
                }
            }
        }
    }

    private func measure(_ name: String, items: Int, _ body: () async throws -> Void) async rethrows -> Measurement {
        try await body()
        var seconds: [Double] = []
        let begin = ContinuousClock.now
        while seconds.count < 9, seconds.count < 3 || ContinuousClock.now - begin < .seconds(8) {
            let start = ContinuousClock.now
            try await body()
            seconds.append(Measurement.seconds(ContinuousClock.now - start))
        }
        return Measurement(name: name, seconds: seconds, items: items)
    }

    /// Files per second from nothing to an index, of photographs as cameras write them.
    func index() throws {
        guard let photographs else { return }
        let count = try FileManager.default.contentsOfDirectory(atPath: photographs).count { $0.hasSuffix(".jpg") }
        var cases: [(String, [String])] = [("model=tiny", []), ("model=tiny/fast-decode", ["--fast-decode"])]
        for precision in precisions {
            let arguments = ["--model", model, "--precision", precision.rawValue]
            cases.append(("model=ViT-B-16/precision=\(precision.rawValue)", arguments))
            cases.append(("model=ViT-B-16/precision=\(precision.rawValue)/fast-decode", arguments + ["--fast-decode"]))
        }
        for (name, arguments) in cases {
            let runs = try (0..<3).map { number in
                let folder = "\(workplace)/index-\(number)"
                defer { try? FileManager.default.removeItem(atPath: folder) }
                return try ProcessRun(
                    [program, "index", photographs, "--index", folder] + arguments, environment: environment)
            }
            let busy = runs.map { $0.processorSeconds / $0.seconds / Double(Index.processorCount) }.sorted()[1]
            let memory = (runs.map(\.peakMemory).max() ?? 0) >> 20
            report(
                Measurement(name: "index/jpeg-12mp/\(name)/N=\(count)", seconds: runs.map(\.seconds), items: count),
                "cores \(Int((busy * 100).rounded())) % busy, peak \(memory) MiB")
        }
    }

    /// A text query from the start of the process to its end, over 100,000 imported pictures.
    func start() throws {
        // Made anew: an index of an earlier version may lack what searches read first.
        let folder = "\(workplace)/start.index"
        try? FileManager.default.removeItem(atPath: folder)
        let file = "\(workplace)/vectors.safetensors"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try writeVectors(100_000, to: file)
        _ = try ProcessRun(
            [program, "import", file, "--as", "images", "--model", model, "--index", folder], environment: environment)
        for (name, cache) in [("none", "off"), ("query", "")] {
            var environment = environment
            environment["PENUMBRA_QUERY_CACHE"] = cache
            func run() throws -> ProcessRun {
                try ProcessRun(
                    [program, "search", Self.query, "--index", folder], environment: environment)
            }
            _ = try run()
            let runs = try (0..<15).map { _ in try run() }
            let memory = (runs.map(\.peakMemory).max() ?? 0) >> 20
            report(
                Measurement(
                    name: "start/search/model=ViT-B-16/N=100000/cache=\(name)", seconds: runs.map(\.seconds), items: 1),
                "peak \(memory) MiB, most of it mapped files")
        }
        let runs = try (0..<15).map { _ in try ProcessRun([program, "--version"]) }
        report(Measurement(name: "start/version", seconds: runs.map(\.seconds), items: 1), nil)
    }

    private static let query = "a dog on a beach"

    private static func normalised(_ x: [Float]) -> [Float] {
        let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return x.map { $0 / norm }
    }

    /// Vectors as a cross-modal model would give and `penumbra encode` would write.
    ///
    /// They have ProLIP's spread of variances, a common direction, a falling spectrum, and cosines to the query of 0.065 on
    /// average and about 0.3 at most. The model of the benchmark is random: its own pictures would all be as far from any text.
    private func writeVectors(_ count: Int, to path: String) throws {
        let dimension = 768
        let names = (0..<count).map { "\"p/\($0).jpg\"" }.joined(separator: ",").replacing("\"", with: "\\\"")
        let encoder = try Model(folder: model)
        let id = encoder.encodingID
        let query = try encoder.encode(texts: [Self.query])[0].mean
        let bytes = count * dimension * 4
        let header =
            "{\"__metadata__\":{\"encoding_id\":\"\(id)\",\"names\":\"[\(names)]\"},"
            + "\"log_variance\":{\"dtype\":\"F32\",\"shape\":[\(count),\(dimension)],\"data_offsets\":[0,\(bytes)]},"
            + "\"mean\":{\"dtype\":\"F32\",\"shape\":[\(count),\(dimension)],\"data_offsets\":[\(bytes),\(2 * bytes)]}}"
        var random = RandomFloats(seed: 100)
        try FloatFile.write(path, header: header) { append in
            for _ in 0..<count { append(random.next(dimension, spread: 0.3).map { $0 - 10.9 }) }
            let common = Self.normalised(random.next(dimension, spread: 1))
            let spectrum = Self.normalised((0..<dimension).map { Float(pow(Double($0) + 8, -0.6)) })
            for _ in 0..<count {
                let noise = random.next(dimension, spread: 1.732)  // of variance 1
                let mean = Self.normalised((0..<dimension).map { 0.55 * common[$0] + 0.835 * spectrum[$0] * noise[$0] })
                let missing =
                    0.065 + 0.063 * random.next(12, spread: 0.5).reduce(0, +)
                    - zip(mean, query).reduce(0) { $0 + $1.0 * $1.1 }
                append(Self.normalised(zip(mean, query).map { $0 + missing * $1 }))
            }
        }
    }
}
