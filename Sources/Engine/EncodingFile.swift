// Encoded rows to a safetensors file that other programs, and `penumbra import`, read.
import Encoders
import Foundation
import Gaussians

/// Writes `mean` and `log_variance`, [N, D] Float32, with the metadata that tells what the rows are.
///
/// The metadata are strings: `names` and `kinds` (JSON arrays), `names_base64` (a JSON array as long as `names`) where a
/// path is no UTF-8, `model_fingerprint`, `encoding_id`, `logit_scale` (exponentiated) and `logit_bias`.
public final class EncodingFile {
    /// Longer lists of names go to a file of their own: readers refuse headers over 100 MB.
    static let maximumNameBytes = 50_000_000

    private let path: String
    private let model: Model
    private let writer: SafetensorsWriter
    private let maximumNameBytes: Int
    private var names: [[UInt8]] = []
    private var kinds: [String] = []

    /// Begins a file; it appears under its name when `finish` returns.
    /// - Parameters:
    ///   - path: the file to be.
    ///   - model: what encodes the rows.
    /// - Throws: an error when the file cannot be written there.
    public convenience init(path: String, model: Model) throws {
        try self.init(path: path, model: model, maximumNameBytes: Self.maximumNameBytes)
    }

    package init(path: String, model: Model, maximumNameBytes: Int) throws {
        self.path = path
        self.model = model
        self.maximumNameBytes = maximumNameBytes
        writer = try SafetensorsWriter(path: path, names: ["log_variance", "mean"], rowLength: model.dimension)
    }

    /// Appends a row.
    /// - Throws: an error when the disk is full.
    public func append(_ input: EncodingInput, _ gaussian: Gaussian) throws {
        try writer.append(["mean": gaussian.mean, "log_variance": gaussian.logVariance])
        switch input {
        case .picture(let path):
            names.append(path)
            kinds.append("image")
        case .text(let text):
            names.append(Array(text.utf8))
            kinds.append("text")
        }
    }

    /// Writes names and metadata, and puts the file in its place.
    /// - Throws: an error when the disk is full.
    public func finish() throws {
        var metadata = [
            "kinds": try Self.json(kinds), "model_fingerprint": model.fingerprint, "encoding_id": model.encodingID,
            "logit_scale": "\(model.matchScale.scale)",
        ]
        if model.hasBias { metadata["logit_bias"] = "\(model.matchScale.bias)" }
        let texts = names.map { String(decoding: $0, as: UTF8.self) }
        let isExact = zip(names, texts).allSatisfy { $0.elementsEqual($1.utf8) }
        // Six bytes a name for quotes, their escapes and commas; base64 takes a third more than the name itself.
        let size = names.reduce(0) { $0 + $1.count + 6 } * (isExact ? 1 : 3)
        if size > maximumNameBytes {
            let lines = try texts.map { try Self.json($0) + "\n" }.joined()
            try Data(lines.utf8).write(to: URL(fileURLWithPath: "\(path).names.jsonl"), options: .atomic)
        } else {
            metadata["names"] = try Self.json(texts)
            if !isExact {
                metadata["names_base64"] = try Self.json(names.map { Data($0).base64EncodedString() })
            }
        }
        try writer.finish(metadata: metadata)
    }

    private static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
