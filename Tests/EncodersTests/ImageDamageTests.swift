// Damaged, cut, oversized and foreign files: each is refused for its own cause, none crashes or comes back in part.
import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct ImageDamageTests {
    static let files =
        fixtureFiles("images/more").map { "more/\($0)" } + ["src/jpg_exif6_96x64.jpg", "src/png_1x1.png"]

    @Test(arguments: files) func refusesEveryTruncation(_ file: String) throws {
        let bytes = try content(file)
        let step = max(1, bytes.count / 150)
        for length in Set(stride(from: 0, to: bytes.count, by: step)).union((bytes.count - 40)..<bytes.count) {
            let error = refusal(of: Array(bytes.prefix(length)))
            #expect(error != nil, "\(length) of \(bytes.count) bytes gave a picture")
        }
        let format = try ImageFormat.recognize(bytes)
        #expect(refusal(of: Array(bytes.dropLast(bytes.count / 3))) == .truncated(format))
    }

    @Test(arguments: files) func survivesFlippedBytes(_ file: String) throws {
        let bytes = try content(file)
        var generator = SplitMix(state: UInt64(bytes.count))
        for round in 0..<60 {
            var damaged = bytes
            for _ in 0..<(1 + round % 8) {
                // Half of the flips hit the headers.
                let end = round % 2 == 0 ? min(64, bytes.count) : bytes.count
                damaged[Int.random(in: 0..<end, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let image = try? ImageDecoder.decode(damaged) else { continue }
            #expect(image.pixels.count == image.width * image.height * 3)
        }
    }

    @Test func refusesBombsByTheirHeader() throws {
        let square = ImageError.tooManyPixels(width: 20000, height: 20000)
        #expect(refusal(of: try content("refused/png_20000x20000.png")) == square)
        #expect(refusal(of: try content("refused/jpg_20000x20000.jpg")) == square)
        #expect(
            refusal(of: try content("refused/webp_16384x16384.webp")) == .tooManyPixels(width: 16384, height: 16384))
        #expect(refusal(of: try content("refused/jpg_101_scans.jpg")) == .tooManyScans(101))
        let large = [UInt8](repeating: 0xFF, count: ImageDecoder.maximumFileSize + 1)
        #expect(refusal(of: large) == .fileTooLarge(bytes: large.count))
    }

    /// A cut file with an end marker put back: libjpeg would fill the rest in grey.
    @Test(arguments: ["more/jpg_420.jpg", "more/jpg_restart_blocks.jpg", "src/jpg_gray_150x211.jpg"])
    func refusesAJPEGWithAHole(_ file: String) throws {
        let bytes = try content(file)
        let holed = bytes.prefix(bytes.count * 2 / 3) + [0xFF, 0xD9]
        guard case .damaged(.jpeg, _) = refusal(of: Array(holed)) else {
            Issue.record("gave a picture or another cause")
            return
        }
        // Stray bytes before a segment are harmless, but must not hide the hole.
        let stray = Array(holed.prefix(20) + [1, 2, 3] + holed.dropFirst(20))
        guard case .damaged(.jpeg, _) = refusal(of: stray) else {
            Issue.record("stray bytes hid the hole")
            return
        }
    }

    @Test func refusesAJPEGWithoutOneOfItsColours() throws {
        var bytes = try content("more/jpg_420.jpg")
        // The scan header FF DA 00 0C 03 names components 1, 2, 3; let it name 1 alone.
        let scan = try #require(
            bytes.indices.dropLast(5).first { bytes[$0...].starts(with: [255, 0xDA, 0, 12, 3]) })
        bytes.replaceSubrange((scan + 2)..<(scan + 11), with: [0, 8, 1, 1, 0])
        #expect(refusal(of: bytes) == .damaged(.jpeg, "a colour component has no data"))
    }

    @Test func takesADamagedExifForUpright() throws {
        let bytes = try content("src/jpg_exif6_96x64.jpg")
        let exif = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("Exif\0\0".utf8)) })
        #expect(try ImageDecoder.decode(bytes).orientation == 6)
        for (offset, patch) in [(6, [0, 0]), (10, [255, 255, 255, 255]), (14, [0, 0]), (10, [0x7F, 255, 255, 255])] {
            var damaged = bytes
            damaged.replaceSubrange((exif + offset)..<(exif + offset + patch.count), with: patch.map(UInt8.init))
            #expect(try ImageDecoder.decode(damaged).orientation == 1)
        }
    }

    @Test func namesWhatItDoesNotRead() {
        let kinds: [(String, String)] = [
            ("GIF89a", "GIF"), ("BM6\0\0\0", "BMP"), ("II*\0\u{8}\0\0\0", "TIFF"), ("MM\0*", "TIFF"),
            ("\0\0\0\u{18}ftypheic", "HEIC"), ("\0\0\0\u{18}ftypavif", "AVIF"), ("\0\0\0\u{18}ftypisom", "video"),
            ("8BPS", "PSD"), ("II*\0\u{10}\0\0\0CR", "camera RAW"), ("<?xml?><svg>", "SVG"), ("P6\n1 1", "PNM"),
        ]
        for (start, kind) in kinds { #expect(refusal(of: Array(start.utf8)) == .unsupported(kind)) }
        #expect(refusal(of: []) == .empty)
        #expect(refusal(of: Array("\n<!DOCTYPE html><html>".utf8)) == .notAPicture("an HTML page"))
        #expect(refusal(of: Array("hello".utf8)) == .notAPicture("text"))
        #expect(refusal(of: [UInt8](repeating: 0, count: 999)) == .notAPicture("zero bytes"))
    }

    @Test func saysEachCauseInOneSentence() {
        #expect(
            "\(ImageError.tooManyPixels(width: 9460, height: 9460))"
                == "too large: 9460 x 9460 is 89491600 pixels, at most 89478485 are read")
        #expect("\(ImageError.truncated(.webp))" == "truncated: the file ends before its WebP picture does")
    }

    private func content(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("images/\(file)"))))
    }
}

/// Why the bytes are refused; nil where they decode.
private func refusal(of bytes: [UInt8]) -> ImageError? {
    do throws(ImageError) {
        _ = try ImageDecoder.decode(bytes)
        return nil
    } catch { return error }
}

extension ImageFormat {
    /// `recognize` for an array.
    fileprivate static func recognize(_ bytes: [UInt8]) throws -> ImageFormat {
        try bytes.withUnsafeBytes { try recognize($0) }
    }
}
