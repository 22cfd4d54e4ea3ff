// bfloat16 against Float32, and what is said where it cannot be had.
import Encoders
import Foundation
import Gaussians
import TestSupport
import Testing

@Suite struct PrecisionTests {
    static var half: EncodingOptions {
        var options = EncodingOptions()
        options.precision = .bf16
        return options
    }

    /// Whether there is bfloat16 here; says so where there is none.
    static func isAvailable() -> Bool {
        guard let obstacle = Precision.bf16.obstacle else { return true }
        print("bfloat16: skipped, \(obstacle)")
        return false
    }

    static func cosine(_ a: Gaussian, _ b: Gaussian) -> Double {
        zip(a.mean, b.mean).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            / (a.squaredNorm * b.squaredNorm).squareRoot()
    }

    static func pictures(_ count: Int) throws -> [[UInt8]] {
        try (0..<count).map {
            let name = String(format: "Examples/Gallery/scene-%03d.jpg", $0)
            return Array(try Data(contentsOf: URL(fileURLWithPath: Fixtures.repository(name))))
        }
    }

    /// Of the gallery's 240 pictures and 444 texts the worst mean has cosine 0.999998, the worst total variance is off by 0.3 %.
    @Test func theBuiltinModelIsCloseInHalfPrecision() throws {
        guard Self.isAvailable() else { return }
        let (full, half) = (try Model.builtin(), try Model.builtin(Self.half))
        let pictures = try Self.pictures(24)
        let texts = ["a dog", "a red boat on the sea", "two green pears in the rain", "animal", "", "picture"]
        let expected = try full.encode(pictures: pictures) + full.encode(texts: texts)
        let got = try half.encode(pictures: pictures) + half.encode(texts: texts)
        for (a, b) in zip(expected, got) {
            #expect(Self.cosine(a, b) > 0.9999)
            #expect(abs(b.totalVariance / a.totalVariance - 1) < 0.02)
            #expect(a != b, "Float32 was computed, not bfloat16")
        }
    }

    @Test(arguments: ["nano", "nano-fp16", "options-layerscale", "options-mlp-ratio", "options-rectangle"])
    func everyArchitectureIsCloseInHalfPrecision(name: String) throws {
        guard Self.isAvailable() else { return }
        let folder = Fixtures.path("models/\(name)")
        let (full, half) = (try Model(folder: folder), try Model(folder: folder, Self.half))
        let pictures = try Self.pictures(3)
        for (a, b) in zip(try full.encode(pictures: pictures), try half.encode(pictures: pictures)) {
            #expect(Self.cosine(a, b) > 0.999, "\(name)")
        }
    }

    /// A batch is one product of more rows; a row's result must not depend on it beyond rounding.
    @Test func batchesAgree() throws {
        guard Self.isAvailable() else { return }
        let model = try Model.builtin(Self.half)
        let pictures = try Self.pictures(9)
        let together = try model.encode(pictures: pictures)
        for (picture, gaussian) in zip(pictures, together) {
            #expect(Self.cosine(try model.encode(pictures: [picture])[0], gaussian) > 0.99999)
        }
    }

    @Test func workersShareTheWeights() async throws {
        guard Self.isAvailable() else { return }
        let model = try Model.builtin(Self.half)
        let expected = try model.encode(pictures: Self.pictures(2))
        try await withThrowingTaskGroup(of: [Gaussian].self) { group in
            for _ in 0..<8 { group.addTask { try model.encode(pictures: try Self.pictures(2)) } }
            for try await got in group { #expect(got == expected) }
        }
    }

    @Test func whatCannotBeHadIsSaid() throws {
        guard let obstacle = Precision.bf16.obstacle else { return }
        let model = try Model.builtin(Self.half)  // opens: what needs no encoder can be done
        let error = #expect(throws: PrecisionError.self) { try model.encode(texts: ["a dog"]) }
        #expect(error?.description == "precision bf16: \(obstacle)")
    }

    @Test func optionsArePartOfTheEncodingID() throws {
        var ids: Set<String> = []
        for precision in Precision.allCases {
            for decodesReduced in [false, true] {
                for appliesOrientation in [false, true] {
                    var options = EncodingOptions()
                    options.precision = precision
                    options.decodesReduced = decodesReduced
                    options.appliesOrientation = appliesOrientation
                    let id = try Model.builtin(options).encodingID
                    #expect(EncodingOptions(encodingID: id) == options)
                    ids.insert(id)
                }
            }
        }
        #expect(ids.count == 8)
        #expect(EncodingOptions(encodingID: "model=x;decode=full;precision=f64") == nil)
        #expect(EncodingOptions(encodingID: "model=x;decode=half;precision=f32") == nil)
        #expect(try Model.builtin().encodingID.hasSuffix(";orientation=exif;decode=full;precision=f32"))
    }
}
