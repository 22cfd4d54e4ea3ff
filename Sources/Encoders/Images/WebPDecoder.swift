// WebP bytes become RGB pixels: lossy, lossless, with alpha on white, the first frame of an animation.
import CWebP

enum WebPDecoder {
    static func decode(_ bytes: [UInt8]) throws(ImageError) -> DecodedImage {
        var features = WebPBitstreamFeatures()
        let status = WebPGetFeatures(bytes, bytes.count, &features)
        guard status == VP8_STATUS_OK else { throw failure(status) }
        let width = Int(features.width)
        let height = Int(features.height)
        try ImageError.check(width: width, height: height)
        let rgba =
            features.has_animation != 0
            ? try firstFrame(bytes, pixels: width * height) : try still(bytes, width: width, height: height)
        return DecodedImage(
            width: width, height: height, pixels: ImageDecoder.onWhite(rgba, pixels: width * height),
            orientation: orientation(bytes))
    }

    private static func failure(_ status: VP8StatusCode) -> ImageError {
        status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED
            ? .truncated("WebP") : .damaged("not a WebP file this library can read")
    }

    private static func still(_ bytes: [UInt8], width: Int, height: Int) throws(ImageError) -> [UInt8] {
        // The container knows its length: what is missing at the end is missing, even if the pixels are there.
        guard declaredSize(bytes) <= bytes.count else { throw .truncated("WebP") }
        var rgba = [UInt8](repeating: 0, count: 4 * width * height)
        guard WebPDecodeRGBAInto(bytes, bytes.count, &rgba, rgba.count, Int32(4 * width)) != nil else {
            throw .damaged("the WebP data cannot be decoded")
        }
        return rgba
    }

    private static func firstFrame(_ bytes: [UInt8], pixels: Int) throws(ImageError) -> [UInt8] {
        guard declaredSize(bytes) <= bytes.count else { throw .truncated("WebP") }
        let rgba: [UInt8]? = bytes.withUnsafeBufferPointer { buffer in
            var data = WebPData(bytes: buffer.baseAddress, size: buffer.count)
            guard let decoder = WebPAnimDecoderNew(&data, nil) else { return nil }
            defer { WebPAnimDecoderDelete(decoder) }
            var frame: UnsafeMutablePointer<UInt8>?
            var timestamp: Int32 = 0
            guard WebPAnimDecoderGetNext(decoder, &frame, &timestamp) != 0, let frame else { return nil }
            return Array(UnsafeBufferPointer(start: frame, count: 4 * pixels))
        }
        guard let rgba else { throw .damaged("the first frame of the WebP animation cannot be decoded") }
        return rgba
    }

    private static func number(_ bytes: [UInt8], at offset: Int) -> Int {
        bytes[offset..<(offset + 4)].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// Bytes the RIFF header promises.
    private static func declaredSize(_ bytes: [UInt8]) -> Int {
        bytes.count >= 12 ? number(bytes, at: 4) + 8 : 12
    }

    /// The orientation of the EXIF chunk.
    private static func orientation(_ bytes: [UInt8]) -> Int {
        var at = 12
        while at + 8 <= bytes.count {
            let length = number(bytes, at: at + 4)
            guard length <= bytes.count - at - 8 else { return 1 }
            if bytes[at..<(at + 4)].elementsEqual("EXIF".utf8) {
                return Orientation.read(exif: bytes[(at + 8)..<(at + 8 + length)])
            }
            at += 8 + length + length % 2
        }
        return 1
    }
}
