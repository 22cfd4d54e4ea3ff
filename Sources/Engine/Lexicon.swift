// Phrases to Gaussians, once per model: what serves where an index has no texts of its own.
import Corpus
import Crypto
import Encoders
import Foundation
import Gaussians
import Storage

/// Everyday phrases with their Gaussians.
public struct Lexicon: Sendable {
    /// The phrases, distinct, in the order of their file.
    public let texts: [String]
    /// Their Gaussians.
    public let gaussians: [Gaussian]
    /// More phrases belong into an index.
    public static let maximumCount = 20_000

    /// Encodes phrases with a model, or finds them encoded in the cache.
    /// - Parameters:
    ///   - model: what encodes them.
    ///   - file: a file of texts; nil takes the phrases shipped with the program.
    ///   - cacheFolder: where encoded lexicons are kept; nil keeps none.
    ///   - progress: called after every few phrases that had to be encoded.
    /// - Returns: the lexicon.
    /// - Throws: an error when the file cannot be read or the model encodes no texts.
    public static func load(
        _ model: Model, file: String? = nil, cacheFolder: String? = nil,
        progress: (IndexingProgress) -> Void = { _ in }
    ) throws -> Lexicon {
        let texts = try file.map(phrases) ?? Model.lexicon()
        let path = cacheFolder.map { Self.path(texts, model, $0) }
        if let path, let known = try? Lexicon(cached: path, model) { return known }
        let lexicon = try Lexicon(encoding: texts, model, progress)
        if let path { try? lexicon.write(path, model) }
        return lexicon
    }

    /// The phrases shipped with the program, if the cache has them encoded by a model.
    /// - Throws: an error when the program is damaged.
    public static func cached(_ model: Model, cacheFolder: String) throws -> Lexicon? {
        try? Lexicon(cached: path(try Model.lexicon(), model, cacheFolder), model)
    }

    private static func phrases(of path: String) throws -> [String] {
        var seen: Set<String> = []
        var texts: [String] = []
        try CaptionFile(path: path).forEachRow { row in
            for text in row.texts where seen.insert(text).inserted { texts.append(text) }
            guard texts.count <= maximumCount else {
                throw CaptionFileError(
                    path: path, reason: "more than \(maximumCount) phrases; index them with penumbra index --texts")
            }
            return true
        }
        return texts
    }

    private static func path(_ texts: [String], _ model: Model, _ cacheFolder: String) -> String {
        let content = ([model.encodingID] + texts).joined(separator: "\n")
        return "\(cacheFolder)/lexicons/\(SHA256.hash(data: Data(content.utf8)).hexadecimal).safetensors"
    }

    private init(encoding texts: [String], _ model: Model, _ progress: (IndexingProgress) -> Void) throws {
        let known = zip(texts, try model.encode(texts, progress)).filter { !$1.isEmpty && $1.gaussian.isFinite }
        self.texts = known.map(\.0)
        gaussians = known.map(\.1.gaussian)
    }

    /// Reads what `write` wrote; anything else is an error, and encoded again.
    private init(cached path: String, _ model: Model) throws {
        let file = try Safetensors(path: path)
        guard let mean = file.tensors["mean"], let logVariance = file.tensors["log_variance"],
            mean.shape.count == 2, mean.shape == logVariance.shape, mean.shape[1] == model.dimension,
            file.metadata["encoding_id"] == model.encodingID, let names = file.metadata["names"]
        else { throw CaptionFileError(path: path, reason: "not an encoded lexicon") }
        texts = try JSONDecoder().decode([String].self, from: Data(names.utf8))
        let means = try FloatTensor(mean).values
        let logVariances = try FloatTensor(logVariance).values
        guard texts.count == mean.shape[0] else {
            throw CaptionFileError(path: path, reason: "not an encoded lexicon")
        }
        let dimension = model.dimension
        gaussians = texts.indices.map { row in
            let range = (row * dimension)..<((row + 1) * dimension)
            return Gaussian(mean: Array(means[range]), logVariance: Array(logVariances[range]))
        }
        guard gaussians.allSatisfy(\.isFinite) else {
            throw CaptionFileError(path: path, reason: "not an encoded lexicon")
        }
    }

    private func write(_ path: String, _ model: Model) throws {
        try FileManager.default.createPrivateFolder((path as NSString).deletingLastPathComponent)
        let writer = try SafetensorsWriter(path: path, names: ["log_variance", "mean"], rowLength: model.dimension)
        for gaussian in gaussians {
            try writer.append(["mean": gaussian.mean, "log_variance": gaussian.logVariance])
        }
        let names = Array(try JSONEncoder().encode(texts))
        try writer.finish(metadata: ["encoding_id": Array(model.encodingID.utf8), "names": names])
    }

    /// The share of the phrases that are less vague, 0 to 1: "vaguer than 97 % of the lexicon".
    public func vagueness(of totalVariance: Double) -> Double {
        guard !gaussians.isEmpty else { return 0 }
        return Double(gaussians.count { $0.totalVariance < totalVariance }) / Double(gaussians.count)
    }
}

extension Model {
    /// Texts to Gaussians, a few at a time, in order.
    func encode(_ texts: [String], _ progress: (IndexingProgress) -> Void) throws -> [EncodedText] {
        let encoder = try textEncoder()
        let size = 4 * TextEncoder.batchSize
        var encoded: [EncodedText] = []
        for start in stride(from: 0, to: texts.count, by: size) {
            encoded += try encoder.encode(Array(texts[start..<min(start + size, texts.count)]))
            progress(IndexingProgress(done: encoded.count, total: texts.count))
        }
        return encoded
    }
}
