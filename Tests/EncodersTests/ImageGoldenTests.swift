// The fixture pictures against Pillow's decoded pixels and the pixels our rule gives at 224 x 224.
import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct ImageGoldenTests {
    static let files = fixtureFiles("images/src")

    @Test func findsTheFiles() { #expect(Self.files.count == 26) }

    @Test(arguments: files) func decodes(_ file: String) throws {
        let goldens = try Goldens("images/decoded_rgb_u8.safetensors")
        // Two goldens keep what we do not: alpha dropped, 16-bit grey clipped at 255. `preprocesses` holds ours.
        let foreign = ["png_rgba_130x97.png", "png_gray16_90x60.png"]
        guard goldens.file.tensors[file] != nil, !foreign.contains(file) else { return }
        let image = try decodeFixture("images/src/\(file)")
        #expect(try [image.height, image.width, 3] == goldens.shape(file))
        let worst = try worstDifference(image.pixels, goldens.bytes(file))
        #expect(worst <= (file.hasPrefix("jpg") ? 1 : 0))
    }

    @Test(arguments: files) func preprocesses(_ file: String) throws {
        let goldens = try Goldens("images/preprocessed_u8.safetensors")
        let preprocessor = ImagePreprocessor(height: 224, width: 224)
        let image = try decodeFixture("images/src/\(file)")
        let isExact = file.hasPrefix("png") && !["png_1x4000.png", "png_rgba_130x97.png"].contains(file)
        let upright = preprocessor.preprocess(image, applyOrientation: true)
        #expect(try worstDifference(upright, goldens.bytes(file)) <= (isExact ? 0 : 2))
        guard goldens.file.tensors["\(file)#ignored"] != nil else { return }
        let stored = preprocessor.preprocess(image, applyOrientation: false)
        #expect(try worstDifference(stored, goldens.bytes("\(file)#ignored")) <= 2)
        #expect(upright != stored)
    }

    @Test(arguments: files.filter { $0.hasPrefix("jpg") }) func resizesPillowsPixelsExactly(_ file: String) throws {
        let decoded = try Goldens("images/decoded_rgb_u8.safetensors")
        guard decoded.file.tensors[file] != nil else { return }
        let shape = try decoded.shape(file)
        let image = DecodedImage(width: shape[1], height: shape[0], pixels: try decoded.bytes(file))
        let pixels = ImagePreprocessor(height: 224, width: 224).preprocess(image, applyOrientation: true)
        #expect(try pixels == Goldens("images/preprocessed_u8.safetensors").bytes(file))
    }
}

/// The names in a folder below `Tests/Fixtures`, sorted.
func fixtureFiles(_ folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path(folder)))?.sorted() ?? []
}

/// Decodes a file below `Tests/Fixtures`.
func decodeFixture(_ path: String) throws -> DecodedImage {
    let file = try MappedFile(path: Fixtures.path(path))
    return try withExtendedLifetime(file) { try ImageDecoder.decode(file.bytes) }
}

/// The largest difference of two samples; 256 for arrays of different lengths.
func worstDifference(_ pixels: [UInt8], _ expected: [UInt8]) -> Int {
    guard pixels.count == expected.count else { return 256 }
    return zip(pixels, expected).map { abs(Int($0) - Int($1)) }.max() ?? 0
}
