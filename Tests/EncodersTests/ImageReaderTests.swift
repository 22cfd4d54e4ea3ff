// Every kind of JPEG, PNG and WebP of Tests/Fixtures/images/more against its golden pixels and orientation.
import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct ImageReaderTests {
    static let files = fixtureFiles("images/more")

    @Test func findsTheFiles() { #expect(Self.files.count == 56) }

    @Test(arguments: files) func decodes(_ file: String) throws {
        let goldens = try Goldens("images/more.safetensors")
        let image = try decodeFixture("images/more/\(file)")
        #expect(try [image.height, image.width, 3] == goldens.shape("decoded/\(file)"))
        let isExact = file.hasPrefix("png") || file.contains("lossless") || file.contains("frame_in_canvas")
        #expect(try worstDifference(image.pixels, goldens.bytes("decoded/\(file)")) <= (isExact ? 0 : 2))
    }

    @Test(arguments: files) func readsTheOrientation(_ file: String) throws {
        let digit = file.range(of: "_o").flatMap { Int(file[$0.upperBound...].prefix(1)) }
        #expect(try decodeFixture("images/more/\(file)").orientation == digit ?? 1)
    }

    /// What no first frame covers is white, not the canvas's background colour.
    @Test func leavesTheCanvasWhite() throws {
        let image = try decodeFixture("images/more/webp_frame_in_canvas.webp")
        #expect(image.width == 40 && image.height == 30)
        #expect(image.pixels.prefix(40 * 3).allSatisfy { $0 == 255 })
    }

    @Test func readsArraysAsItReadsMaps() throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("images/more/png_la8.png"))))
        #expect(try ImageDecoder.decode(bytes) == decodeFixture("images/more/png_la8.png"))
    }
}
