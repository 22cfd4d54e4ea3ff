// Decoding and preprocessing against Pillow's pixels.
import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct ImageGoldenTests {
    static let files =
        (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path("images/src")))?.sorted() ?? []

    static func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("images/src/\(name)"))))
    }

    /// The largest difference of two pixel buffers.
    static func worst(_ a: [UInt8], _ b: [UInt8]) -> Int {
        a.count == b.count ? zip(a, b).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) } : 999
    }

    @Test(arguments: files) func decoding(file: String) throws {
        let goldens = try Goldens("images/decoded_rgb_u8.safetensors")
        guard goldens.file.tensors[file] != nil else { return }
        let image = try ImageDecoder.decode(Self.read(file))
        #expect(try goldens.shape(file) == [image.height, image.width, 3])
        let isComposited = file.contains("rgba") || file.contains("trns")
        let isDeep = file.contains("gray16")  // Pillow clips 16-bit grey at 255; we keep the high byte
        guard !isComposited, !isDeep else { return }
        #expect(Self.worst(image.pixels, try goldens.bytes(file)) <= (file.hasSuffix("jpg") ? 1 : 0))
    }

    @Test(arguments: files) func preprocessing(file: String) throws {
        let goldens = try Goldens("images/preprocessed_u8.safetensors")
        let preprocessor = ImagePreprocessor(height: 224, width: 224)
        let image = try ImageDecoder.decode(Self.read(file))
        let isLoose = file.hasSuffix("jpg") || file.contains("rgba") || file.contains("trns") || file.contains("1x4000")
        for (suffix, applies) in [("", true), ("#ignored", false)] where goldens.file.tensors[file + suffix] != nil {
            let pixels = preprocessor.preprocess(image, applyOrientation: applies)
            let worst = Self.worst(pixels, try goldens.bytes(file + suffix))
            #expect(worst <= (isLoose ? 2 : 0), "\(file)\(suffix): \(worst)")
        }
    }

    @Test func theGoldensCoverEveryFile() throws {
        let goldens = try Goldens("images/preprocessed_u8.safetensors")
        #expect(Self.files.count > 20)
        for file in Self.files { #expect(goldens.file.tensors[file] != nil, "\(file)") }
    }

    @Test func resizingIsExactFromDecodedPixels() throws {
        let decoded = try Goldens("images/decoded_rgb_u8.safetensors")
        let expected = try Goldens("images/preprocessed_u8.safetensors")
        let preprocessor = ImagePreprocessor(height: 224, width: 224)
        var compared = 0
        for name in decoded.file.tensors.keys.sorted() where expected.file.tensors[name] != nil {
            guard !name.contains("rgba"), !name.contains("trns"), !name.contains("gray16"), !name.contains("1x4000"),
                !name.contains("cmyk")
            else { continue }
            let shape = try decoded.shape(name)
            let image = DecodedImage(width: shape[1], height: shape[0], pixels: try decoded.bytes(name))
            #expect(preprocessor.preprocess(image, applyOrientation: true) == (try expected.bytes(name)), "\(name)")
            compared += 1
        }
        #expect(compared > 12)
    }
}
