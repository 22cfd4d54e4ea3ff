// JPEG files decoded at a reduced size: which size, and how close the Gaussians stay.
import Encoders
import Foundation
import Gaussians
import TestSupport
import Testing

@Suite struct ReductionTests {
    @Test func theSmallestThatIsTwiceWhatTheModelSees() {
        let square = Reduction(height: 224, width: 224, appliesOrientation: true)
        func divisor(_ width: Int, _ height: Int, _ orientation: Int = 1) -> Int {
            square.divisor(width: width, height: height, orientation: orientation)
        }
        #expect(divisor(4_000, 3_000) == 4)  // 1000 x 750; an eighth would be 500 x 375
        #expect(divisor(4_000, 3_584) == 8)  // 500 x 448
        #expect(divisor(4_000, 3_583) == 4)
        #expect(divisor(896, 896) == 2)
        #expect(divisor(895, 4_000) == 1)
        #expect(divisor(100, 100) == 1)
        let wide = Reduction(height: 100, width: 300, appliesOrientation: true)
        #expect(wide.divisor(width: 1_200, height: 400, orientation: 1) == 2)
        #expect(wide.divisor(width: 400, height: 1_200, orientation: 1) == 1)
        #expect(wide.divisor(width: 400, height: 1_200, orientation: 6) == 2)
        let lying = Reduction(height: 100, width: 300, appliesOrientation: false)
        #expect(lying.divisor(width: 400, height: 1_200, orientation: 6) == 1)
    }

    /// All JPEG fixtures: grey, CMYK, progressive, subsampled in every way, with stray bytes.
    @Test func everyKindOfJPEGIsDecodedSmaller() throws {
        let reduction = Reduction(height: 4, width: 4, appliesOrientation: true)
        var count = 0
        for folder in ["images/src", "images/more"] {
            for name in try FileManager.default.contentsOfDirectory(atPath: Fixtures.path(folder)).sorted() {
                let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("\(folder)/\(name)"))))
                guard bytes.starts(with: [0xFF, 0xD8]), let full = try? ImageDecoder.decode(bytes) else { continue }
                let small = try ImageDecoder.decode(bytes, reduction)
                let divisor = reduction.divisor(
                    width: full.width, height: full.height, orientation: full.orientation)
                #expect(small.width == (full.width + divisor - 1) / divisor, "\(name)")
                #expect(small.height == (full.height + divisor - 1) / divisor, "\(name)")
                #expect(small.storedWidth == full.width && small.storedHeight == full.height, "\(name)")
                #expect(small.orientation == full.orientation, "\(name)")
                #expect(abs(Self.mean(small) - Self.mean(full)) < 6, "\(name)")
                if divisor > 1 { count += 1 }
            }
        }
        #expect(count >= 5)
    }

    static func mean(_ image: DecodedImage) -> Double {
        image.pixels.reduce(0) { $0 + Double($1) } / Double(image.pixels.count)
    }

    /// The gallery's pictures have 256 pixels a side, the model's 96: a model of 48 makes a half of them.
    @Test func theGalleryStaysClose() throws {
        let full = ImagePreprocessor(height: 48, width: 48)
        var worst = 1.0
        for number in 0..<60 {
            let name = String(format: "Examples/Gallery/scene-%03d.jpg", number)
            let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: Fixtures.repository(name))))
            var options = EncodingOptions()
            options.decodesReduced = true
            let whole = try ImageDecoder.decode(bytes)
            let small = try ImageDecoder.decode(bytes, full.reduction(options))
            #expect(small.width * 2 == whole.width)
            worst = min(
                worst,
                Self.cosine(
                    full.preprocess(whole, applyOrientation: true), full.preprocess(small, applyOrientation: true)))
        }
        #expect(worst > 0.9995)
        print("reduced decoding: the gallery's worst cosine of pixels is \(worst)")
    }

    /// Of centred pixels.
    static func cosine(_ a: [UInt8], _ b: [UInt8]) -> Double {
        let (x, y) = (a.map { Double($0) - 128 }, b.map { Double($0) - 128 })
        func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
        return dot(x, y) / (dot(x, x) * dot(y, y)).squareRoot()
    }
}
