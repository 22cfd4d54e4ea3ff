// Finds the files under Tests/Fixtures and reads golden tensors.
import Encoders
import Foundation

/// The folder `Tests/Fixtures`.
package enum Fixtures {
    /// The path of a file below `Tests/Fixtures`.
    package static func path(_ relative: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/\(relative)").path
    }

    /// A file of the repository, for example `Examples/Gallery/captions.jsonl`.
    package static func repository(_ relative: String) -> String {
        path("../../\(relative)")
    }
}

/// Golden tensors of one safetensors file.
package struct Goldens {
    /// The file's content.
    package let file: Safetensors

    /// Opens `Tests/Fixtures/<relative>`.
    package init(_ relative: String) throws {
        file = try Safetensors(path: Fixtures.path(relative))
    }

    /// A tensor's shape.
    package func shape(_ name: String) throws -> [Int] { try tensor(name).shape }

    /// An F32 tensor, row-major.
    package func floats(_ name: String) throws -> [Float] { try load(name, .f32) }

    /// An F64 tensor, row-major.
    package func doubles(_ name: String) throws -> [Double] { try load(name, .f64) }

    /// An I32 tensor, row-major.
    package func integers(_ name: String) throws -> [Int32] { try load(name, .i32) }

    /// A U8 tensor, row-major.
    package func bytes(_ name: String) throws -> [UInt8] { try load(name, .u8) }

    private func tensor(_ name: String) throws -> Tensor {
        guard let tensor = file.tensors[name] else { throw MissingGolden(name: name) }
        return tensor
    }

    private func load<T: BitwiseCopyable>(_ name: String, _ type: TensorType) throws -> [T] {
        let tensor = try tensor(name)
        guard tensor.type == type else { throw MissingGolden(name: "\(name) as \(type.rawValue)") }
        return (0..<tensor.count).map {
            tensor.bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self)
        }
    }
}

/// A golden the fixtures do not hold.
package struct MissingGolden: Error {
    package let name: String
}
