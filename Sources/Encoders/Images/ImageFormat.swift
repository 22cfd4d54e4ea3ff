// Turns a file's first bytes into its format; the name's extension is never asked.

/// The formats Penumbra decodes.
package enum ImageFormat: String, Sendable, Equatable {
    case jpeg = "JPEG"
    case png = "PNG"
    case webp = "WebP"

    /// Recognises the format by its magic number.
    /// - Throws: `ImageError.empty`, `.unsupported` naming a known foreign kind, `.notAPicture` for anything else.
    package static func recognize(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> ImageFormat {
        guard !bytes.isEmpty else { throw .empty }
        let head = Head(bytes: bytes)
        if head.has([0xFF, 0xD8, 0xFF]) { return .jpeg }
        if head.has([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if head.has("RIFF"), head.has("WEBP", at: 8) { return .webp }
        if let kind = head.foreignPicture ?? head.mediaContainer ?? head.foreignText { throw .unsupported(kind) }
        throw .notAPicture(head.otherContent)
    }
}

/// The first bytes of a file, compared with signatures.
private struct Head {
    let bytes: UnsafeRawBufferPointer

    func has(_ signature: [UInt8], at offset: Int = 0) -> Bool {
        bytes.count >= offset + signature.count && bytes[offset..<(offset + signature.count)].elementsEqual(signature)
    }

    func has(_ signature: String, at offset: Int = 0) -> Bool { has(Array(signature.utf8), at: offset) }

    /// Pictures of other formats with a signature at the start; camera RAW before the TIFF it is made of.
    var foreignPicture: String? {
        let signatures: [(kind: String, bytes: [UInt8])] = [
            ("GIF", Array("GIF87a".utf8)), ("GIF", Array("GIF89a".utf8)), ("BMP", Array("BM".utf8)),
            ("camera RAW", Array("IIRO".utf8)), ("camera RAW", Array("IIRS".utf8)),
            ("camera RAW", Array("MMOR".utf8)), ("camera RAW", Array("IIU\0".utf8)),
            ("camera RAW", Array("FUJIFILMCCD-RAW".utf8)), ("camera RAW", Array("FOVb".utf8)),
            ("TIFF", Array("II*\0".utf8)), ("TIFF", Array("MM\0*".utf8)),
            ("TIFF", Array("II+\0".utf8)), ("TIFF", Array("MM\0+".utf8)),
            ("PSD", Array("8BPS".utf8)), ("JPEG XL", [0xFF, 0x0A]),
            ("JPEG XL", [0, 0, 0, 0x0C] + Array("JXL ".utf8)), ("JPEG 2000", [0, 0, 0, 0x0C] + Array("jP  ".utf8)),
            ("JPEG 2000", [0xFF, 0x4F, 0xFF, 0x51]), ("ICO", [0, 0, 1, 0]), ("OpenEXR", [0x76, 0x2F, 0x31, 0x01]),
            ("Radiance HDR", Array("#?RADIANCE".utf8)), ("QOI", Array("qoif".utf8)), ("DDS", Array("DDS ".utf8)),
        ]
        if has("II*\0"), has("CR", at: 8) { return "camera RAW" }
        return signatures.first { has($0.bytes) }?.kind
    }

    /// Files of boxes or chunks: HEIC and AVIF pictures, camera RAW, videos.
    var mediaContainer: String? {
        if has("ftyp", at: 4), bytes.count >= 12 {
            switch String(decoding: bytes[8..<12], as: UTF8.self) {
            case "heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1": return "HEIC"
            case "avif", "avis": return "AVIF"
            case "crx ": return "camera RAW"
            default: return "video"
            }
        }
        if has("RIFF"), has("AVI ", at: 8) { return "video" }
        return has([0x1A, 0x45, 0xDF, 0xA3]) ? "video" : nil
    }

    /// SVG, PDF and the portable bitmaps, which begin as text.
    var foreignText: String? {
        if has("%PDF-") { return "PDF" }
        let start = opening
        if start.contains("<svg") { return "SVG" }
        let isNetpbm = bytes.count > 2 && bytes[0] == 0x50 && (0x31...0x37).contains(bytes[1])
        return isNetpbm && [0x20, 0x0A, 0x0D, 0x09].contains(bytes[2]) ? "PNM" : nil
    }

    /// What to call bytes that are no picture.
    var otherContent: String {
        let start = opening
        let isText = bytes.prefix(256).allSatisfy { $0 >= 0x20 || (0x09...0x0D).contains($0) }
        if ["<!doctype html", "<html", "<head", "<body"].contains(where: start.contains) { return "an HTML page" }
        if bytes.prefix(256).allSatisfy({ $0 == 0 }) { return "zero bytes" }
        return isText ? "text" : "unknown binary data"
    }

    /// The first 256 bytes as lower-case text.
    private var opening: String { String(decoding: bytes.prefix(256), as: UTF8.self).lowercased() }
}
