// Resize, crop, orientation and normalisation against Pillow and against their own definitions.
import Encoders
import TestSupport
import Testing

@Suite struct ResizeTests {
    static let sizes = [(24, 40), (40, 24), (9, 50), (70, 9)]

    @Test(arguments: 1...8, sizes) func coversRectanglesExactly(_ orientation: Int, _ size: (Int, Int)) throws {
        let goldens = try Goldens("images/more.safetensors")
        let shape = try goldens.shape("resize/source")
        let image = DecodedImage(
            width: shape[1], height: shape[0], pixels: try goldens.bytes("resize/source"), orientation: orientation)
        let preprocessor = ImagePreprocessor(height: size.0, width: size.1)
        let expected = try goldens.bytes("resize/\(orientation)/\(size.0)x\(size.1)")
        #expect(preprocessor.preprocess(image, applyOrientation: true) == expected)
        let ignored = try goldens.bytes("resize/1/\(size.0)x\(size.1)")
        #expect(preprocessor.preprocess(image, applyOrientation: false) == ignored)
    }

    @Test func keepsAPictureOfTheRightSize() {
        let pixels = noise(12 * 7 * 3)
        let image = DecodedImage(width: 12, height: 7, pixels: pixels)
        #expect(ImagePreprocessor(height: 7, width: 12).preprocess(image, applyOrientation: true) == pixels)
    }

    @Test(arguments: [(1, 1), (1, 4000), (4000, 1), (2, 3), (701, 3), (33, 1000)])
    func keepsOneColourAtAnyShape(_ size: (Int, Int)) {
        let colour: [UInt8] = [255, 0, 101]
        let pixels = (0..<(size.0 * size.1)).flatMap { _ in colour }
        for orientation in 1...8 {
            let image = DecodedImage(width: size.0, height: size.1, pixels: pixels, orientation: orientation)
            let result = ImagePreprocessor(height: 16, width: 16).preprocess(image, applyOrientation: true)
            let expected: [UInt8] = (0..<256).flatMap { _ in colour }
            #expect(result == expected)
        }
    }

    /// 1 x 100,000 scaled to 224 x 22,400,000: only the crop may be computed.
    @Test(.timeLimit(.minutes(1))) func computesOnlyTheCrop() {
        let image = DecodedImage(width: 1, height: 100_000, pixels: noise(300_000))
        let result = ImagePreprocessor(height: 224, width: 224).preprocess(image, applyOrientation: true)
        #expect(result.count == 224 * 224 * 3)
    }

    @Test func normalizesToPlanes() {
        let preprocessor = ImagePreprocessor(height: 2, width: 3)
        let pixels = (0..<18).map { UInt8($0 * 15) }
        var planes = [Float](repeating: .nan, count: 18)
        planes.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { preprocessor.normalize(pixels, into: base) }
        }
        for index in 0..<6 {
            for channel in 0..<3 {
                let mean = ImagePreprocessor.mean[channel], deviation = ImagePreprocessor.standardDeviation[channel]
                #expect(planes[channel * 6 + index] == (Float(pixels[index * 3 + channel]) / 255 - mean) / deviation)
            }
        }
    }

    private func noise(_ count: Int) -> [UInt8] {
        var generator = SplitMix(state: 3)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}

/// A seeded generator: SplitMix64.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
