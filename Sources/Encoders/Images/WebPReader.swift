// Turns WebP bytes into RGB pixels: the picture, or the first frame of an animation on its canvas.
import CWebP

/// Decodes lossy, lossless and animated WebP through libwebp and its demuxer.
enum WebPReader {
    /// Decodes a file whose chunks are all there; what the first frame leaves uncovered is white.
    /// - Throws: `.truncated`, `.damaged`, `.tooManyPixels`, `.outOfMemory`.
    static func decode(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> DecodedImage {
        let file = bytes.bindMemory(to: UInt8.self)
        try checkLength(bytes)
        var data = WebPData(bytes: file.baseAddress, size: file.count)
        guard let demuxer = WebPDemux(&data) else { throw .damaged(.webp, "its chunks do not fit together") }
        defer { WebPDemuxDelete(demuxer) }
        let width = Int(WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH))
        let height = Int(WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT))
        try ImageDecoder.checkSize(width: width, height: height, .webp)
        var frame = WebPIterator()
        guard WebPDemuxGetFrame(demuxer, 1, &frame) != 0 else { throw .damaged(.webp, "it has no frame") }
        defer { WebPDemuxReleaseIterator(&frame) }
        let pixels = try decode(frame, canvasWidth: width, canvasHeight: height)
        return DecodedImage(width: width, height: height, pixels: pixels, orientation: orientation(demuxer))
    }

    /// The RIFF header's length against the file's.
    private static func checkLength(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        let declared = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        guard Int(declared) + 8 <= bytes.count else { throw .truncated(.webp) }
    }

    private static func decode(
        _ frame: WebPIterator, canvasWidth: Int, canvasHeight: Int
    ) throws(ImageError) -> [UInt8] {
        let pixels = try decode(frame)
        let width = Int(frame.width), height = Int(frame.height)
        if width == canvasWidth, height == canvasHeight { return pixels }
        let left = Int(frame.x_offset), top = Int(frame.y_offset)
        guard left >= 0, top >= 0, left + width <= canvasWidth, top + height <= canvasHeight else {
            throw .damaged(.webp, "its first frame lies outside the canvas")
        }
        var canvas = [UInt8](repeating: 255, count: canvasWidth * canvasHeight * 3)
        for row in 0..<height {
            let start = ((top + row) * canvasWidth + left) * 3
            let line = pixels[(row * width * 3)..<((row + 1) * width * 3)]
            canvas.replaceSubrange(start..<(start + line.count), with: line)
        }
        return canvas
    }

    /// One frame's pixels, `[frame.height, frame.width, 3]`, on white.
    private static func decode(_ frame: WebPIterator) throws(ImageError) -> [UInt8] {
        let width = Int(frame.width), height = Int(frame.height)
        try ImageDecoder.checkSize(width: width, height: height, .webp)
        let channels = frame.has_alpha != 0 ? 4 : 3
        let size = width * height * channels
        var status = VP8_STATUS_OK
        let pixels = [UInt8](unsafeUninitializedCapacity: size) { buffer, used in
            status = cwebp_decode_frame(
                frame.fragment.bytes, frame.fragment.size, Int32(channels), buffer.baseAddress,
                Int32(width * channels), size)
            guard status == VP8_STATUS_OK else { return }
            if channels == 4 { Transparency.compositeOnWhite(buffer, count: width * height) }
            used = width * height * 3
        }
        switch status {
        case VP8_STATUS_OK: return pixels
        case VP8_STATUS_OUT_OF_MEMORY: throw .outOfMemory
        case VP8_STATUS_SUSPENDED, VP8_STATUS_NOT_ENOUGH_DATA: throw .truncated(.webp)
        case VP8_STATUS_UNSUPPORTED_FEATURE: throw .unsupported("WebP with features of a later version")
        default: throw .damaged(.webp, "its bitstream breaks the format's rules")
        }
    }

    private static func orientation(_ demuxer: OpaquePointer) -> Int {
        var chunk = WebPChunkIterator()
        guard WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) != 0 else { return 1 }
        defer { WebPDemuxReleaseChunkIterator(&chunk) }
        return Orientation.read(exif: UnsafeRawBufferPointer(start: chunk.chunk.bytes, count: chunk.chunk.size))
    }
}
