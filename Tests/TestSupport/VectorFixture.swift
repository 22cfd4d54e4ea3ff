// Gaussians to a safetensors file as someone else's program might write it: any metadata, F32 or F16, any damage.
import Encoders
import Foundation
import Gaussians

/// A file of vectors to be written.
package struct VectorFixture {
    /// The rows.
    package var gaussians: [Gaussian]
    /// `__metadata__`.
    package var metadata: [String: String]
    /// Element types by tensor.
    package var types = ["log_variance": "F32", "mean": "F32"]
    /// D; asked for where there are no rows.
    package var dimension: Int

    /// Rows with names of one kind; nil leaves `kinds` out.
    package init(_ gaussians: [Gaussian], names: [String], kind: String? = "image", encodingID: String? = nil) throws {
        self.gaussians = gaussians
        dimension = gaussians.first?.dimension ?? 1
        metadata = ["names": try Self.json(names)]
        metadata["kinds"] = try kind.map { try Self.json(Array(repeating: $0, count: names.count)) }
        metadata["encoding_id"] = encodingID
    }

    /// A JSON array.
    package static func json(_ strings: [String]) throws -> String {
        String(decoding: try JSONEncoder().encode(strings), as: UTF8.self)
    }

    /// Writes the file.
    package func write(to path: String) throws {
        var header: [String: Any] = ["__metadata__": metadata]
        var data: [UInt8] = []
        for (name, type) in types.sorted(by: { $0.key < $1.key }) {
            let start = data.count
            for gaussian in gaussians {
                for value in name == "mean" ? gaussian.mean : gaussian.logVariance { append(value, type, to: &data) }
            }
            header[name] = [
                "dtype": type, "shape": [gaussians.count, dimension], "data_offsets": [start, data.count],
            ]
        }
        let json = try JSONSerialization.data(withJSONObject: header)
        let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
        try (length + json + data).write(to: URL(fileURLWithPath: path))
    }

    private func append(_ value: Float, _ type: String, to data: inout [UInt8]) {
        if type == "F32" { return withUnsafeBytes(of: value.bitPattern.littleEndian) { data += $0 } }
        if type == "BF16" { return withUnsafeBytes(of: UInt16(value.bitPattern >> 16).littleEndian) { data += $0 } }
        withUnsafeBytes(of: Self.half(value).littleEndian) { data += $0 }
    }

    /// The nearest half-precision number towards zero; only for what has a normal one, zero, or minus infinity.
    package static func half(_ value: Float) -> UInt16 {
        let sign = UInt16(value.sign == .minus ? 0x8000 : 0)
        if value.isInfinite { return sign | 0x7C00 }
        let exponent = Int(value.bitPattern >> 23 & 0xFF) - 127 + 15
        return exponent < 1 ? sign : sign | UInt16(exponent) << 10 | UInt16(value.bitPattern >> 13 & 0x3FF)
    }

    /// What a half-precision number is worth.
    package static func widened(_ half: UInt16) -> Float {
        let (sign, exponent, fraction) = (half >> 15, Int(half >> 10 & 0x1F), Float(half & 0x3FF))
        let value: Float
        switch exponent {
        case 0: value = fraction * Float(sign: .plus, exponent: -24, significand: 1)
        case 31: value = .infinity
        default: value = (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
        }
        return sign == 0 ? value : -value
    }
}
