// Encoded rows to a safetensors file that other programs, and `penumbra import`, read.
import Encoders
import Gaussians
import Storage

/// Writes `mean` and `log_variance`, [N, D] Float32, with the metadata that tells what the rows are.
///
/// The metadata are strings: `names` and `kinds` (JSON arrays), `names_base64` (a JSON array as long as `names`) where a
/// path is no UTF-8, `model_fingerprint`, `encoding_id`, `logit_scale` (exponentiated) and `logit_bias`. Where names and
/// kinds are longer than a header may be, they lie in `FILE.names.jsonl`, one JSON object a row, whose SHA-256 the metadata
/// hold as `names_sha256`.
public final class EncodingFile {
    private let path: String
    private let model: Model
    private let writer: SafetensorsWriter
    private let maximumMetadataSize: Int
    private var names = RowNames()

    /// Begins a file; it appears under its name when `finish` returns.
    /// - Parameters:
    ///   - path: the file to be.
    ///   - model: what encodes the rows.
    /// - Throws: an error when the file cannot be written there.
    public convenience init(path: String, model: Model) throws {
        try self.init(path: path, model: model, maximumMetadataSize: RowNames.maximumMetadataSize)
    }

    package init(path: String, model: Model, maximumMetadataSize: Int) throws {
        self.path = path
        self.model = model
        self.maximumMetadataSize = maximumMetadataSize
        writer = try SafetensorsWriter(path: path, names: ["log_variance", "mean"], rowLength: model.dimension)
    }

    /// Appends a row.
    /// - Throws: an error when the disk is full.
    public func append(_ input: EncodingInput, _ gaussian: Gaussian) throws {
        try writer.append(["mean": gaussian.mean, "log_variance": gaussian.logVariance])
        switch input {
        case .picture(let path): names.append(path, .images)
        case .text(let text): names.append(text.utf8, .texts)
        }
    }

    /// Writes names and metadata, and puts the file in its place.
    /// - Throws: an error when the disk is full.
    public func finish() throws {
        var metadata = try names.metadata(for: path, maximumSize: maximumMetadataSize)
        metadata.merge(Self.metadata(fingerprint: model.fingerprint, encodingID: model.encodingID, model)) { $1 }
        try writer.finish(metadata: metadata)
    }

    /// What the metadata say of the encoder; without an open model nothing of its logits.
    static func metadata(fingerprint: String, encodingID: String, _ model: Model?) -> [String: [UInt8]] {
        var metadata = ["model_fingerprint": fingerprint, "encoding_id": encodingID]
        if let model {
            metadata["logit_scale"] = "\(model.matchScale.scale)"
            if model.hasBias { metadata["logit_bias"] = "\(model.matchScale.bias)" }
        }
        return metadata.mapValues { Array($0.utf8) }
    }
}
