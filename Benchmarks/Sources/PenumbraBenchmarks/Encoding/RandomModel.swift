// A seed to a model folder of ViT-B/16's shape: the published model's tensors, with random weights.
import Foundation

/// Writes a model that costs what the published ViT-B/16 costs, and knows nothing.
enum RandomModel {
    private static let width = 768
    private static let layers = 12

    /// Writes `config.json`, `model.safetensors` (792 MB, F32) and `tokenizer.json` into a folder.
    static func write(to folder: String, tokenizer: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: "\(folder)/config.json"))
        try FileManager.default.copyItem(atPath: tokenizer, toPath: "\(folder)/tokenizer.json")
        let tensors = Self.tensors.sorted { $0.name < $1.name }
        var offset = 0
        let entries = tensors.map { tensor in
            defer { offset += tensor.count * 4 }
            return "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),"
                + "\"data_offsets\":[\(offset),\(offset + tensor.count * 4)]}"
        }
        var random = RandomFloats(seed: 16)
        try FloatFile.write("\(folder)/model.safetensors", header: "{\(entries.joined(separator: ","))}") { append in
            for tensor in tensors { append(tensor.values(&random)) }
        }
    }

    private static let configuration = """
        {"embed_dim": 768, "init_logit_scale": 4.7, "init_logit_bias": -10,
         "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 16, "embed_unc": true},
         "text_cfg": {"context_length": 64, "vocab_size": 32100, "width": 768, "heads": 12, "layers": 12,
                      "embed_cls": true, "embed_unc": true, "no_causal_mask": true}}
        """

    private struct Tensor {
        let name: String
        let shape: [Int]
        var count: Int { shape.reduce(1, *) }

        /// Norms pass through, variances are ProLIP's, all else is small and random.
        func values(_ random: inout RandomFloats) -> [Float] {
            if name == "logit_scale" { return [4.7] }
            if name == "logit_bias" { return [-10] }
            if name == "visual.uncertainty_proj.bias" { return Array(repeating: -10.9, count: count) }
            if name == "text.text_uncertainty_projection.bias" { return Array(repeating: -9.6, count: count) }
            if name.hasSuffix("bias") { return Array(repeating: 0, count: count) }
            if name.contains(".ln_") { return Array(repeating: 1, count: count) }
            return random.next(count, spread: 0.035)
        }
    }

    private static var tensors: [Tensor] {
        var tensors = [
            Tensor(name: "logit_scale", shape: []), Tensor(name: "logit_bias", shape: []),
            Tensor(name: "visual.class_embedding", shape: [width]),
            Tensor(name: "visual.unc_embedding", shape: [width]),
            Tensor(name: "visual.positional_embedding", shape: [198, width]),
            Tensor(name: "visual.conv1.weight", shape: [width, 3, 16, 16]),
            Tensor(name: "visual.proj", shape: [width, width]),
            Tensor(name: "text.cls_emb", shape: [width]), Tensor(name: "text.unc_emb", shape: [width]),
            Tensor(name: "text.positional_embedding", shape: [66, width]),
            Tensor(name: "text.token_embedding.weight", shape: [32_100, width]),
        ]
        for norm in ["visual.ln_pre", "visual.ln_post", "text.ln_final"] { tensors += layer(norm, [width]) }
        for linear in ["visual.uncertainty_proj", "text.text_projection", "text.text_uncertainty_projection"] {
            tensors += layer(linear, [width, width])
        }
        for tower in ["visual", "text"] {
            for number in 0..<layers { tensors += block("\(tower).transformer.resblocks.\(number)") }
        }
        return tensors
    }

    private static func block(_ name: String) -> [Tensor] {
        layer("\(name).ln_1", [width]) + layer("\(name).ln_2", [width])
            + [
                Tensor(name: "\(name).attn.in_proj_weight", shape: [3 * width, width]),
                Tensor(name: "\(name).attn.in_proj_bias", shape: [3 * width]),
            ] + layer("\(name).attn.out_proj", [width, width]) + layer("\(name).mlp.c_fc", [4 * width, width])
            + layer("\(name).mlp.c_proj", [width, 4 * width])
    }

    private static func layer(_ name: String, _ shape: [Int]) -> [Tensor] {
        [Tensor(name: "\(name).weight", shape: shape), Tensor(name: "\(name).bias", shape: [shape[0]])]
    }
}

/// A seed to uniform numbers about zero: fast, for hundreds of millions.
struct RandomFloats {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// `count` numbers between -spread and spread.
    mutating func next(_ count: Int, spread: Float) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                buffer[index] = (Float(state >> 40) * 0x1p-23 - 1) * spread
            }
            initialized = count
        }
    }
}

/// A header and floats to a safetensors file.
enum FloatFile {
    /// `body` is handed a function that appends floats.
    static func write(_ path: String, header: String, _ body: (([Float]) -> Void) throws -> Void) throws {
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        guard let file = fopen(path, "w") else { throw CocoaError(.fileWriteUnknown) }
        defer { fclose(file) }
        withUnsafeBytes(of: UInt64(padded.utf8.count).littleEndian) { _ = fwrite($0.baseAddress, 1, 8, file) }
        fputs(padded, file)
        try body { floats in floats.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) } }
        guard ferror(file) == 0 else { throw CocoaError(.fileWriteOutOfSpace) }
    }
}
