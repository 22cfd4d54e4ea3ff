// Turns PNG bytes into RGB pixels.
import CPNG

/// Decodes PNG of every colour type and depth through libpng.
enum PNGReader {
    /// Decodes a whole file, checksums and IEND included.
    /// - Throws: `.truncated`, `.damaged` in libpng's words, `.tooManyPixels`, `.outOfMemory`.
    static func decode(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> DecodedImage {
        let source = bytes.bindMemory(to: UInt8.self)
        var header = cpng_header()
        try check { cpng_read_header(source.baseAddress, source.count, &header, $0, $1) }
        let width = Int(header.width), height = Int(header.height)
        try ImageDecoder.checkSize(width: width, height: height, .png)
        let count = width * height
        let channels = Int(header.channels)
        var failure: ImageError?
        let pixels = [UInt8](unsafeUninitializedCapacity: count * channels) { buffer, used in
            do throws(ImageError) {
                try check { cpng_read_pixels(source.baseAddress, source.count, &header, buffer.baseAddress, $0, $1) }
                if channels == 4 { Transparency.compositeOnWhite(buffer, count: count) }
                used = count * 3
            } catch { failure = error }
        }
        if let failure { throw failure }
        return DecodedImage(width: width, height: height, pixels: pixels, orientation: orientation(bytes))
    }

    /// Runs one call of the shim with room for a message.
    private static func check(_ call: (UnsafeMutablePointer<CChar>?, Int) -> Int32) throws(ImageError) {
        var message = [CChar](repeating: 0, count: 160)
        let code = message.withUnsafeMutableBufferPointer { call($0.baseAddress, $0.count) }
        switch Int(code) {
        case CPNG_OK: return
        case CPNG_TRUNCATED: throw .truncated(.png)
        case CPNG_NO_MEMORY: throw .outOfMemory
        default:
            let words = message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
            throw .damaged(.png, String(decoding: words, as: UTF8.self))
        }
    }

    /// The orientation in the eXIf chunk, which may stand before or after the pixels.
    private static func orientation(_ bytes: UnsafeRawBufferPointer) -> Int {
        var offset = 8
        while offset <= bytes.count - 12 {
            let length = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            let start = offset + 8
            guard length <= bytes.count - start - 4 else { return 1 }
            if bytes[(offset + 4)..<start].elementsEqual("eXIf".utf8) {
                return Orientation.read(exif: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)]))
            }
            offset = start + length + 4
        }
        return 1
    }
}
