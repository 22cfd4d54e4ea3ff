// Damaged model.safetensors files to one sentence each: file, tensor, got, expected.
import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct DamagedWeightsTests {
    static let tensor = "visual.ln_post.bias"

    /// Fails unless that is all that is said of the model.
    static func expect(
        _ model: ModelCopy, says complaint: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(model.complaint == "\(model.weightsPath): \(complaint)", sourceLocation: sourceLocation)
    }

    /// The beginning and end of a tensor's data in the sound model.
    static func offsets(_ name: String) throws -> [Int] {
        let bytes = try ModelCopy.bytes(Fixtures.path("models/options-no-logit/model.safetensors"))
        let header = Data(bytes[8..<ModelCopy.headerEnd(bytes)])
        let entry = try JSONSerialization.jsonObject(with: header) as? [String: [String: Any]]
        return try #require(entry?[name]?["data_offsets"] as? [Int])
    }

    @Test(arguments: [("visual.proj", "[24, 20]"), ("visual.ln_post.bias", "[24]"), ("text.cls_emb", "[20]")])
    func missing(name: String, shape: String) throws {
        let model = try ModelCopy()
        try model.rewrite { $0["\(name)s"] = $0.removeValue(forKey: name) }
        Self.expect(model, says: "tensor \(name) is missing, expected shape \(shape)")
    }

    @Test(arguments: ["visual.extra", "text.extra", "extra"]) func extra(name: String) throws {
        let model = try ModelCopy()
        try model.rewrite { header in
            let end = header.values.compactMap { (($0 as? [String: Any])?["data_offsets"] as? [Int])?[1] }.max() ?? 0
            header[name] = ["dtype": "F32", "shape": [0], "data_offsets": [end, end]] as [String: Any]
        }
        Self.expect(model, says: "tensor \(name) has no place in the configured architecture")
    }

    @Test func misshapen() throws {
        let model = try ModelCopy()
        try model.rewrite(Self.tensor, "shape", [2, 12])
        Self.expect(model, says: "tensor \(Self.tensor): got shape [2, 12], expected [24]")
    }

    @Test func integersAreNoWeights() throws {
        let model = try ModelCopy()
        try model.rewrite(Self.tensor, "dtype", "I32")
        Self.expect(model, says: "tensor \(Self.tensor): got I32, expected F32, F16 or BF16")
    }

    @Test(arguments: ["I8", "F8_E4M3", "BOOL", "f32", ""]) func unknownElementTypes(type: String) throws {
        let model = try ModelCopy()
        try model.rewrite(Self.tensor, "dtype", type)
        Self.expect(model, says: "tensor \(Self.tensor): element type \(type) is not supported (F32, F16 and BF16 are)")
    }

    @Test func f64Weights() throws {
        let model = try ModelCopy()
        let offsets = try Self.offsets(Self.tensor)
        try model.rewrite(
            { header in
                for (name, value) in header {
                    guard var entry = value as? [String: Any], let old = entry["data_offsets"] as? [Int] else {
                        continue
                    }
                    entry["data_offsets"] = old.map { $0 > offsets[0] ? $0 + 96 : $0 }
                    if name == Self.tensor { entry["dtype"] = "F64" }
                    header[name] = entry
                }
            }, data: { Array($0[..<offsets[0]]) + [UInt8](repeating: 0, count: 96) + Array($0[offsets[0]...]) })
        Self.expect(model, says: "tensor \(Self.tensor): got F64, expected F32, F16 or BF16")
    }

    @Test func truncatedFiles() throws {
        let model = try ModelCopy()
        let bytes = try ModelCopy.bytes(model.weightsPath)
        let header = ModelCopy.headerEnd(bytes)
        for length in [0, 7] {
            try model.folder.write("model.safetensors", Array(bytes[..<length]))
            Self.expect(
                model, says: "not a safetensors file: \(length) bytes, the header length alone takes 8")
        }
        for length in [8, 100, header - 1] {
            try model.folder.write("model.safetensors", Array(bytes[..<length]))
            Self.expect(model, says: "truncated: the header ends at byte \(header), the file at \(length)")
        }
        try model.folder.write("model.safetensors", Array(bytes[..<(bytes.count - 1)]))
        Self.expect(
            model,
            says: "truncated: tensor visual.uncertainty_proj.weight ends at byte \(bytes.count), the file at "
                + "\(bytes.count - 1)")
    }

    @Test(arguments: [UInt64(100_000_001), 1 << 40, .max]) func absurdHeaderLengths(length: UInt64) throws {
        let model = try ModelCopy()
        let bytes = try ModelCopy.bytes(model.weightsPath)
        let declared = withUnsafeBytes(of: length.littleEndian) { Array($0) }
        try model.folder.write("model.safetensors", declared + Array(bytes[8...]))
        Self.expect(model, says: "not a safetensors file: header length \(length), at most 100000000")
    }

    @Test(arguments: ["", "[]", "{\"a\":", "{}{}", "nonsense"]) func headersThatAreNoJSON(header: String) throws {
        let model = try ModelCopy()
        try model.folder.write("model.safetensors", ModelCopy.file(header: Array(header.utf8), data: []))
        Self.expect(model, says: "the header is not a JSON object")
    }

    @Test func entriesThatAreNoTensors() throws {
        let entries: [Any] = [
            1, [1], ["dtype": "F32"], ["dtype": 1, "shape": [24], "data_offsets": [0, 96]] as [String: Any],
            ["dtype": "F32", "shape": [-24], "data_offsets": [0, 96]] as [String: Any],
            ["dtype": "F32", "shape": [1e300], "data_offsets": [0, 96]] as [String: Any],
            ["dtype": "F32", "shape": [24.5], "data_offsets": [0, 96]] as [String: Any],
            ["dtype": "F32", "shape": [24], "data_offsets": [0, 96, 97]] as [String: Any],
            ["dtype": "F32", "shape": 24, "data_offsets": [0, 96]] as [String: Any],
        ]
        for entry in entries {
            let model = try ModelCopy()
            try model.rewrite { $0[Self.tensor] = entry }
            Self.expect(model, says: "tensor \(Self.tensor): needs dtype, shape and data_offsets")
        }
        let model = try ModelCopy()
        try model.rewrite { $0["__metadata__"] = ["format": 1] }
        Self.expect(model, says: "__metadata__ must map strings to strings")
    }

    @Test func offsetsThatDoNotFit() throws {
        let own = try Self.offsets(Self.tensor)
        let tooLong = [own[0], own[1] + 4]
        let cases: [([Int], String)] = [
            (tooLong, "F32[24] takes 96 bytes, data_offsets \(tooLong) say otherwise"),
            ([own[1], own[0]], "F32[24] takes 96 bytes, data_offsets \([own[1], own[0]]) say otherwise"),
            ([-96, 0], "F32[24] takes 96 bytes, data_offsets [-96, 0] say otherwise"),
            ([.min, .max], "F32[24] takes 96 bytes, data_offsets [\(Int.min), \(Int.max)] say otherwise"),
        ]
        for (offsets, complaint) in cases {
            let model = try ModelCopy()
            try model.rewrite(Self.tensor, "data_offsets", offsets)
            Self.expect(model, says: "tensor \(Self.tensor): \(complaint)")
        }
        let model = try ModelCopy()
        try model.rewrite(Self.tensor, "shape", [1 << 31, 1 << 31])
        Self.expect(model, says: "tensor \(Self.tensor): shape [2147483648, 2147483648] is too large")
    }

    @Test func offsetsBeyondTheFile() throws {
        for begin in [1_000_000, Int.max - 96] {
            let model = try ModelCopy()
            try model.rewrite(Self.tensor, "data_offsets", [begin, begin + 96])
            let complaint = try #require(model.complaint)
            #expect(complaint.hasPrefix("\(model.weightsPath): truncated: tensor \(Self.tensor) ends at byte "))
        }
    }

    @Test func overlapsAndHoles() throws {
        let own = try Self.offsets(Self.tensor)
        let overlapping = try ModelCopy()
        try overlapping.rewrite(Self.tensor, "data_offsets", [0, 96])
        Self.expect(
            overlapping, says: "tensor \(Self.tensor) begins at data byte 0, expected 80, where text.cls_emb ends")
        let hole = try ModelCopy()
        try hole.rewrite { $0[Self.tensor] = nil }
        Self.expect(
            hole,
            says: "tensor visual.ln_post.weight begins at data byte \(own[1]), expected \(own[0]), where "
                + "visual.conv1.weight ends")
        let trailing = try ModelCopy()
        try trailing.rewrite({ _ in }, data: { $0 + [0, 0, 0, 0] })
        Self.expect(trailing, says: "4 bytes follow the last tensor, expected none")
    }
}
