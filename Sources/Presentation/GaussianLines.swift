// Encoded rows to JSON lines.
import Engine

/// One JSON object a line: name, kind, mean and log variance; a point's log variance is null.
public enum GaussianLines {
    /// One row, with its line end.
    public static func line(_ input: EncodingInput, _ gaussian: Gaussian) -> [UInt8] {
        let name: String
        switch input {
        case .picture(let path):
            let text = String(decoding: path, as: UTF8.self)
            let exact = Escaping.isUTF8(path) ? "null" : "\"\(Escaping.base64(path))\""
            name = "\"name\":\(Escaping.json(text)),\"name_base64\":\(exact),\"kind\":\"image\""
        case .text(let text):
            name = "\"name\":\(Escaping.json(text)),\"name_base64\":null,\"kind\":\"text\""
        }
        let logVariance = gaussian.isPoint ? "null" : numbers(gaussian.logVariance)
        return Array("{\(name),\"mean\":\(numbers(gaussian.mean)),\"log_variance\":\(logVariance)}\n".utf8)
    }

    private static func numbers(_ values: [Float]) -> String {
        "[" + values.map { $0.isFinite ? "\($0)" : "null" }.joined(separator: ",") + "]"
    }
}
