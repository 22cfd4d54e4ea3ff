// A file of encoded rows to what a reader sees of it.
import Encoders
import Foundation

/// What `penumbra encode --output` wrote.
package struct RowsFile {
    /// The header's metadata.
    package let metadata: [String: String]
    /// Means, one array a row.
    package let means: [[Float]]
    /// Log variances, one array a row.
    package let logVariances: [[Float]]

    /// Reads a file.
    package init(path: String) throws {
        let file = try Safetensors(path: path)
        metadata = file.metadata
        guard file.tensors.count == 2 else { throw MissingGolden(name: "exactly mean and log_variance") }
        means = try Self.rows(file, "mean")
        logVariances = try Self.rows(file, "log_variance")
    }

    /// The strings of a metadata entry that is a JSON array; nil where there is none.
    package func list(_ key: String) throws -> [String]? {
        try metadata[key].map { try JSONDecoder().decode([String].self, from: Data($0.utf8)) }
    }

    private static func rows(_ file: Safetensors, _ name: String) throws -> [[Float]] {
        guard let tensor = file.tensors[name], tensor.type == .f32, tensor.shape.count == 2 else {
            throw MissingGolden(name: name)
        }
        let values = try FloatTensor(tensor).values
        let length = tensor.shape[1]
        return (0..<tensor.shape[0]).map { Array(values[($0 * length)..<(($0 + 1) * length)]) }
    }
}
