// PNG bytes become RGB pixels: every colour type to 8 bits, transparency on white, gamma ignored.
import CPNG

enum PNGDecoder {
    /// The first eight bytes of every PNG.
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    static func decode(_ bytes: [UInt8]) throws(ImageError) -> DecodedImage {
        guard bytes.count >= 24 else { throw .truncated("PNG") }
        let width = number(bytes, at: 16)
        let height = number(bytes, at: 20)
        try ImageError.check(width: width, height: height)
        var rgba = [UInt8](repeating: 0, count: 4 * width * height)
        var message = [CChar](repeating: 0, count: 160)
        let isDecoded = cpng_decode_rgba(
            bytes, bytes.count, UInt32(width), UInt32(height), &rgba, &message, message.count)
        guard isDecoded != 0 else {
            let reason = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw reason == "truncated" ? .truncated("PNG") : .damaged(reason)
        }
        return DecodedImage(
            width: width, height: height, pixels: ImageDecoder.onWhite(rgba, pixels: width * height),
            orientation: orientation(bytes))
    }

    private static func number(_ bytes: [UInt8], at offset: Int) -> Int {
        bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
    }

    /// The orientation of the eXIf chunk, wherever it stands.
    private static func orientation(_ bytes: [UInt8]) -> Int {
        var at = 8
        while at + 12 <= bytes.count {
            let length = number(bytes, at: at)
            guard length <= bytes.count - at - 12 else { return 1 }
            if bytes[(at + 4)..<(at + 8)].elementsEqual("eXIf".utf8) {
                return Orientation.read(exif: bytes[(at + 8)..<(at + 8 + length)])
            }
            at += 12 + length
        }
        return 1
    }
}
