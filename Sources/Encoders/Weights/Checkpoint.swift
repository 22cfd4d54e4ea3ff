// Turns named tensors into a tower's weights, and refuses whatever does not fit.

/// A checkpoint being taken apart: each tensor is asked for by key and shape; what nobody asked for is an error.
package struct Checkpoint {
    /// Everything `model.safetensors` holds.
    package let file: Safetensors
    private var unused: Set<String>

    /// Begins with all tensors unused.
    package init(_ file: Safetensors) {
        self.file = file
        unused = Set(file.tensors.keys)
    }

    /// Whether the checkpoint holds `key`.
    package func holds(_ key: String) -> Bool { file.tensors[key] != nil }

    /// The tensor of that key, as it lies in the file.
    /// - Throws: `SafetensorsError` naming file, key, got and expected, for a missing or misshapen tensor or one whose
    ///   element type is no float.
    package mutating func raw(_ key: String, _ shape: [Int]) throws -> Tensor {
        guard let tensor = file.tensors[key] else {
            throw SafetensorsError(path: file.file.path, reason: "tensor \(key) is missing, expected shape \(shape)")
        }
        guard tensor.shape == shape else {
            throw SafetensorsError(
                path: file.file.path, reason: "tensor \(key): got shape \(tensor.shape), expected \(shape)")
        }
        guard [.f32, .f16, .bf16].contains(tensor.type) else {
            throw SafetensorsError(
                path: file.file.path, reason: "tensor \(key): got \(tensor.type.rawValue), expected F32, F16 or BF16")
        }
        unused.remove(key)
        return tensor
    }

    /// The tensor of that key as Float32.
    /// - Throws: as `raw`.
    package mutating func tensor(_ key: String, _ shape: [Int]) throws -> FloatTensor {
        try FloatTensor(raw(key, shape))
    }

    /// A scalar.
    /// - Throws: as `raw`.
    package mutating func scalar(_ key: String) throws -> Float {
        let tensor = try tensor(key, [])
        return withExtendedLifetime(tensor) { tensor.pointer.pointee }
    }

    /// Ends the reading of one part.
    /// - Parameter prefix: only keys that begin so are looked at.
    /// - Throws: `SafetensorsError` naming a tensor that the configuration has no place for.
    package func finish(prefix: String) throws { try refuse(unused.filter { $0.hasPrefix(prefix) }) }

    /// Ends the reading.
    /// - Parameter prefixes: keys that begin so belong to parts read elsewhere.
    /// - Throws: as above.
    package func finish(ignoring prefixes: [String] = []) throws {
        try refuse(unused.filter { key in !prefixes.contains { key.hasPrefix($0) } })
    }

    private func refuse(_ extra: Set<String>) throws {
        guard let first = extra.min() else { return }
        let others = extra.count > 1 ? " (and \(extra.count - 1) more)" : ""
        throw SafetensorsError(
            path: file.file.path, reason: "tensor \(first)\(others) has no place in the configured architecture")
    }
}
