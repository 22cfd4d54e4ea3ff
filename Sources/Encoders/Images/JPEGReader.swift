// Turns JPEG bytes into RGB pixels.
import CTurboJPEG
import Glibc

/// Decodes JPEG through libjpeg-turbo, with the accurate integer DCT and smooth chroma upsampling, as Pillow does.
enum JPEGReader {
    /// Decodes a whole file: baseline, extended or progressive, Huffman or arithmetic coding; smaller if asked to.
    /// - Throws: `.truncated`, `.damaged` in libjpeg's words, `.unsupported` for lossless, hierarchical, 12-bit and
    ///   two-component files, `.tooManyPixels`, `.tooManyScans`, `.outOfMemory`.
    static func decode(_ bytes: UnsafeRawBufferPointer, _ reduction: Reduction?) throws(ImageError) -> DecodedImage {
        let structure = try JPEGStructure(bytes)
        try check(structure)
        let divisor =
            reduction?.divisor(
                width: structure.width, height: structure.height, orientation: structure.orientation) ?? 1
        // As TJSCALED: rounded up.
        let width = (structure.width + divisor - 1) / divisor, height = (structure.height + divisor - 1) / divisor
        let isCMYK = structure.components == 4
        let count = width * height
        var failure: ImageError?
        let pixels = [UInt8](unsafeUninitializedCapacity: count * (isCMYK ? 4 : 3)) { buffer, used in
            do throws(ImageError) {
                try decode(bytes, structure, width: width, height: height, into: buffer)
                if isCMYK { invertedCMYKToRGB(buffer, count: count) }
                used = count * 3
            } catch { failure = error }
        }
        if let failure { throw failure }
        return DecodedImage(
            width: width, height: height, pixels: pixels, orientation: structure.orientation,
            stored: (structure.width, structure.height))
    }

    /// Everything that can be refused before allocating.
    private static func check(_ structure: JPEGStructure) throws(ImageError) {
        switch structure.frame {
        case 0: throw .damaged(.jpeg, "no frame header")
        case 0xC3, 0xCB: throw .unsupported("lossless JPEG")
        case 0xC5...0xC7, 0xCD...0xCF: throw .unsupported("hierarchical JPEG")
        default: break
        }
        guard structure.precision == 8 else { throw .unsupported("JPEG of \(structure.precision) bits a sample") }
        guard [1, 3, 4].contains(structure.components) else {
            throw .unsupported("JPEG of \(structure.components) colour components")
        }
        try ImageDecoder.checkSize(width: structure.width, height: structure.height, .jpeg)
        guard structure.scans <= ImageDecoder.maximumScans else { throw .tooManyScans(structure.scans) }
        guard structure.isComplete else { throw .damaged(.jpeg, "a colour component has no data") }
    }

    /// Stray bytes between segments are harmless, but libjpeg tells only its first warning: they are taken out, lest
    /// the warning about them hide one about missing data.
    private static func decode(
        _ bytes: UnsafeRawBufferPointer, _ structure: JPEGStructure, width: Int, height: Int,
        into pixels: UnsafeMutableBufferPointer<UInt8>
    ) throws(ImageError) {
        let isCMYK = structure.components == 4
        guard !structure.stray.isEmpty else {
            return try run(bytes, width: width, height: height, isCMYK: isCMYK, pixels)
        }
        var cleaned: [UInt8] = []
        cleaned.reserveCapacity(bytes.count)
        var kept = 0
        for range in structure.stray {
            cleaned += bytes[kept..<range.lowerBound]
            kept = range.upperBound
        }
        cleaned += bytes[kept...]
        let result = cleaned.withUnsafeBytes { buffer in
            Result { () throws(ImageError) in
                try run(buffer, width: width, height: height, isCMYK: isCMYK, pixels)
            }
        }
        try result.get()
    }

    private static func run(
        _ bytes: UnsafeRawBufferPointer, width: Int, height: Int, isCMYK: Bool,
        _ pixels: UnsafeMutableBufferPointer<UInt8>
    ) throws(ImageError) {
        guard let handle = tjInitDecompress() else { throw .outOfMemory }
        defer { tjDestroy(handle) }
        let format = isCMYK ? TJPF_CMYK : TJPF_RGB
        let stride = width * (isCMYK ? 4 : 3)
        let code = tjDecompress2(
            handle, bytes.bindMemory(to: UInt8.self).baseAddress, UInt(bytes.count), pixels.baseAddress,
            Int32(width), Int32(stride), Int32(height), Int32(format.rawValue), TJFLAG_ACCURATEDCT)
        guard code != 0 else { return }
        let message = String(cString: tjGetErrorStr2(handle))
        if tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue), isHarmless(message) { return }
        throw message.hasPrefix("Premature end") ? .truncated(.jpeg) : .damaged(.jpeg, message)
    }

    /// Whether every pixel still comes from the file after a warning: stray bytes, unknown versions and transforms.
    ///
    /// The others ("bad Huffman code", "premature end of data segment", a lost restart) leave grey or garbage behind.
    private static func isHarmless(_ warning: String) -> Bool {
        if warning.contains("extraneous bytes") { return true }
        return !warning.hasPrefix("Corrupt JPEG data") && !warning.hasPrefix("Premature end")
    }

    /// Replaces `[count, 4]` CMYK by `[count, 3]` RGB at the start of the same buffer.
    ///
    /// Files hold CMYK inverted, as Adobe does; like Pillow we take that for granted with and without Adobe's marker.
    /// With c, k un-inverted: rgb = clip(255 - k - mul255(c, 255 - k)), Pillow's `Convert.c`.
    private static func invertedCMYKToRGB(_ pixels: UnsafeMutableBufferPointer<UInt8>, count: Int) {
        for index in 0..<count {
            let white = Int32(pixels[index * 4 + 3])
            for channel in 0..<3 {
                let product = (255 &- Int32(pixels[index * 4 + channel])) &* white &+ 128
                let ink = ((product >> 8) &+ product) >> 8
                pixels[index * 3 + channel] = UInt8(truncatingIfNeeded: max(0, white &- ink))
            }
        }
    }
}
