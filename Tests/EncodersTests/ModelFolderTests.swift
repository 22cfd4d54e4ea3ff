// Damaged model folders to one sentence each: file, key, got, expected. Never a crash, never a guess.
import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct ModelFolderTests {
    /// A key, the value it gets (nil: it is taken away), and what is said of it.
    struct Setting: Sendable, CustomTestStringConvertible {
        let part: String
        let key: String
        let value: String?
        let complaint: String
        var testDescription: String { "\(part) \(key) \(value ?? "-")" }

        init(_ part: String, _ key: String, _ value: String?, _ complaint: String) {
            self.part = part
            self.key = key
            self.value = value
            self.complaint = complaint
        }
    }

    static let width = "expected a whole number from 1 to 65536"
    static let layers = "expected a whole number from 1 to 1000"
    static let size = "expected a size in pixels or [height, width]"

    static let settings = [
        Setting("", "surprise", "1", "unknown key surprise: got 1"),
        Setting("vision_cfg", "surprise", "\"x\"", "unknown key vision_cfg.surprise: got x"),
        Setting("text_cfg", "surprise", "null", "unknown key text_cfg.surprise: got null"),
        Setting("", "embed_dim", nil, "embed_dim: got nothing, \(width)"),
        Setting("", "embed_dim", "\"20\"", "embed_dim: got 20, \(width)"),
        Setting("", "embed_dim", "true", "embed_dim: got true, \(width)"),
        Setting("", "embed_dim", "0", "embed_dim: got 0, \(width)"),
        Setting("", "embed_dim", "1e300", "embed_dim: got 1e+300, \(width)"),
        Setting("", "embed_dim", "-1e300", "embed_dim: got -1e+300, \(width)"),
        Setting("", "quick_gelu", "1", "quick_gelu: got 1, expected true or false"),
        Setting("", "vision_cfg", nil, "vision_cfg: got nothing, expected an object"),
        Setting("", "text_cfg", "[]", "text_cfg: got [], expected an object"),
        Setting("vision_cfg", "layers", "1.5", "vision_cfg.layers: got 1.5, \(layers)"),
        Setting("vision_cfg", "layers", "-1", "vision_cfg.layers: got -1, \(layers)"),
        Setting("vision_cfg", "layers", "1000000000000000000", "vision_cfg.layers: got 1000000000000000000, \(layers)"),
        Setting("text_cfg", "width", "-20", "text_cfg.width: got -20, \(width)"),
        Setting("text_cfg", "width", "9223372036854775807", "text_cfg.width: got 9223372036854775807, \(width)"),
        Setting(
            "text_cfg", "width", "22",
            "text_cfg.width: got 22, expected embed_dim (20), since the uncertainty projection takes the projected mean"
        ),
        Setting("vision_cfg", "image_size", "0", "vision_cfg.image_size: got 0, \(size)"),
        Setting("vision_cfg", "image_size", "1e300", "vision_cfg.image_size: got 1e+300, \(size)"),
        Setting("vision_cfg", "image_size", "[18]", "vision_cfg.image_size: got [18], \(size)"),
        Setting("vision_cfg", "image_size", "[18, -18]", "vision_cfg.image_size: got [18, -18], \(size)"),
        Setting("vision_cfg", "image_size", "[18, 18, \"x\"]", "vision_cfg.image_size: got [18, 18, \"x\"], \(size)"),
        Setting(
            "vision_cfg", "patch_size", "19", "vision_cfg.patch_size: got 19, expected at most image_size (18 x 18)"),
        Setting("vision_cfg", "width", "30.5", "vision_cfg.width: got 30.5, \(width)"),
        Setting(
            "vision_cfg", "width", "66", "vision_cfg.width: got 66, expected a multiple of the 5 attention heads"),
        Setting(
            "text_cfg", "heads", "3", "text_cfg.width: got 20, expected a multiple of the 3 attention heads"),
        Setting("vision_cfg", "mlp_ratio", "0", "vision_cfg.mlp_ratio: got 0.0, expected a positive number"),
        Setting("vision_cfg", "mlp_ratio", "1e300", "vision_cfg.mlp_ratio: got 1e+300, expected a positive number"),
        Setting("text_cfg", "mlp_ratio", "\"4\"", "text_cfg.mlp_ratio: got 4, expected a number"),
        Setting(
            "text_cfg", "norm_kwargs", "{\"eps\": -1e-6}",
            "text_cfg.norm_kwargs.eps: got -1e-06, expected a positive number"),
        Setting(
            "vision_cfg", "norm_kwargs", "{\"eps\": 1e300}",
            "vision_cfg.norm_kwargs.eps: got 1e+300, expected a positive number"),
        Setting(
            "vision_cfg", "norm_kwargs", "{\"epsilon\": 1}", "unknown key vision_cfg.norm_kwargs.epsilon: got 1"),
        Setting(
            "vision_cfg", "pool_type", "\"avg\"",
            "vision_cfg.pool_type: got avg, expected tok, the only kind Penumbra computes"),
        Setting(
            "text_cfg", "no_causal_mask", "false",
            "text_cfg.no_causal_mask: got false, expected true, the only kind Penumbra computes"),
        Setting(
            "text_cfg", "tokenizer_kwargs", "{\"clean\": \"lower\"}",
            "text_cfg.tokenizer_kwargs.clean: got lower, expected canonicalize"),
    ]

    @Test(arguments: settings) func settingsAreRefusedByName(setting: Setting) throws {
        let model = try ModelCopy()
        try model.configure(setting.part, setting.key, setting.value)
        #expect(model.complaint == "\(model.configurationPath): \(setting.complaint)")
    }

    @Test func whatIsSoundOpens() throws {
        let model = try ModelCopy()
        #expect(model.complaint == nil)
        try model.configure("vision_cfg", "mlp_ratio", "2")
        try model.configure("text_cfg", "ls_init_value", "null")
        try model.configure("", "init_logit_bias", "null")
        #expect(model.complaint == nil)
    }

    /// A checkpoint has `logit_scale` and `logit_bias` exactly when their initial values are neither null nor zero.
    @Test func logitTensorsFollowTheConfiguration() throws {
        let model = try ModelCopy()
        try model.configure("", "init_logit_bias", "-10")
        #expect(model.complaint?.hasSuffix("tensor logit_bias is missing, expected shape []") == true)
        try model.configure("", "init_logit_bias", "0")
        #expect(model.complaint == nil)
        try model.configure("", "init_logit_scale", nil)  // absent: ln(1/0.07)
        #expect(model.complaint?.hasSuffix("tensor logit_scale is missing, expected shape []") == true)
        let other = try ModelCopy(of: "options-eps")
        #expect(other.complaint == nil)
        try other.configure("", "init_logit_bias", "null")
        #expect(other.complaint?.hasSuffix("tensor logit_bias has no place in the configured architecture") == true)
    }

    @Test(arguments: ["", "{", "[]", "null", "{\"embed_dim\": 20", "{\"embed_dim\": NaN}", "\u{0}"])
    func aConfigurationThatIsNoJSONObject(text: String) throws {
        let model = try ModelCopy()
        try model.folder.write("config.json", Array(text.utf8))
        #expect(model.complaint == "\(model.configurationPath): not a JSON object")
    }

    @Test(arguments: ["config.json", "model.safetensors"]) func aMissingFile(name: String) throws {
        let model = try ModelCopy()
        try FileManager.default.removeItem(atPath: model.folder.file(name))
        #expect(model.complaint == "\(model.folder.path): no model here, \(name) is missing")
    }

    @Test func aNumberNoDoubleHolds() throws {
        for value in ["1e999", "-1e999", "1" + String(repeating: "0", count: 400)] {
            let model = try ModelCopy()
            try model.configure("", "embed_dim", value)
            let complaint = try #require(model.complaint)
            #expect(complaint.hasPrefix("\(model.configurationPath): "))
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5]) func damagedConfigurationsGiveErrorsOrWork(seed: UInt64) throws {
        let model = try ModelCopy()
        let sound = try ModelCopy.bytes(model.configurationPath)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            try model.folder.write("config.json", Self.damage(sound, 0..<sound.count, &generator))
            if let complaint = model.complaint { #expect(complaint.hasPrefix(model.folder.path), "\(complaint)") }
        }
    }

    @Test(arguments: [UInt64(6), 7, 8, 9, 10]) func damagedHeadersGiveErrorsOrWork(seed: UInt64) throws {
        let model = try ModelCopy()
        let sound = try ModelCopy.bytes(model.weightsPath)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let damaged = Self.damage(sound, 0..<ModelCopy.headerEnd(sound), &generator)
            try model.folder.write("model.safetensors", damaged)
            if let complaint = model.complaint { #expect(complaint.hasPrefix(model.folder.path), "\(complaint)") }
        }
    }

    /// One to three bytes of a range changed, or the file cut there.
    static func damage(_ bytes: [UInt8], _ range: Range<Int>, _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        if Int.random(in: 0..<5, using: &generator) == 0 {
            return Array(bytes[..<Int.random(in: range, using: &generator)])
        }
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let digit = Int.random(in: 0..<2, using: &generator) == 0
            let byte = UInt8.random(in: digit ? 0x2B...0x39 : 0...255, using: &generator)
            bytes[Int.random(in: range, using: &generator)] = byte
        }
        return bytes
    }
}
