// A sound small model to a folder of its own, where a test may damage it.
import Encoders
import Foundation
import TestSupport

/// A copy of `models/options-no-logit`, whose two files are parsed, changed and written again.
struct ModelCopy {
    let folder: TemporaryFolder
    var configurationPath: String { folder.file("config.json") }
    var weightsPath: String { folder.file("model.safetensors") }

    init(of name: String = "options-no-logit") throws {
        folder = try TemporaryFolder()
        for file in ["config.json", "model.safetensors"] {
            try folder.write(file, Self.bytes(Fixtures.path("models/\(name)/\(file)")))
        }
    }

    static func bytes(_ path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: path))) }

    /// Writes `config.json` with one value changed, given as JSON; nil takes the key away.
    ///
    /// A part is "vision_cfg", "text_cfg" or "" for the top level.
    func configure(_ part: String, _ key: String, _ value: String?) throws {
        var top = try Self.object(Self.bytes(configurationPath))
        var values = part.isEmpty ? top : top[part] as? [String: Any] ?? [:]
        values[key] = value.map { _ in "@@" }
        if part.isEmpty { top = values } else { top[part] = values }
        let json = try JSONSerialization.data(withJSONObject: top, options: .sortedKeys)
        // JSONSerialization would not write 1e999 or a number as it was typed.
        let text = String(decoding: json, as: UTF8.self).replacing("\"@@\"", with: value ?? "")
        try folder.write("config.json", Array(text.utf8))
    }

    /// Writes `model.safetensors` with a changed header; the data stay as they are unless `data` changes them.
    func rewrite(_ change: (inout [String: Any]) -> Void, data: ([UInt8]) -> [UInt8] = { $0 }) throws {
        let bytes = try Self.bytes(weightsPath)
        let start = Self.headerEnd(bytes)
        var header = try Self.object(Array(bytes[8..<start]))
        change(&header)
        let json = try JSONSerialization.data(withJSONObject: header, options: .sortedKeys)
        try folder.write("model.safetensors", Self.file(header: Array(json), data: data(Array(bytes[start...]))))
    }

    /// Changes one entry of the header.
    func rewrite(_ tensor: String, _ key: String, _ value: Any) throws {
        try rewrite { header in
            var entry = header[tensor] as? [String: Any] ?? [:]
            entry[key] = value
            header[tensor] = entry
        }
    }

    /// The header's length, the header, the data.
    static func file(header: [UInt8], data: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
    }

    /// Where the data of a safetensors file begin.
    static func headerEnd(_ bytes: [UInt8]) -> Int {
        8 + bytes.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    }

    private static func object(_ bytes: [UInt8]) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] ?? [:]
    }

    /// Opens the model, loads both towers and runs each once.
    func use() throws {
        let model = try Model(folder: folder.path)
        _ = try model.encode(pictureAt: Fixtures.path("images/src/jpg_tiny_20x15.jpg"))
        var checkpoint = Checkpoint(try Safetensors(path: weightsPath))
        let text = try TextTower(&checkpoint, model.configuration.text, dimension: model.dimension)
        let ids = [Int32](repeating: 0, count: text.shape.contextLength)
        try text.forward(ids, batch: 1, text.activations(batch: 1))
    }

    /// What is said of the model when it is used; nil when all is well.
    var complaint: String? {
        do {
            try use()
            return nil
        } catch {
            return "\(error)"
        }
    }
}
