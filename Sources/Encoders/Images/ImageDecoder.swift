// A picture file's bytes become RGB pixels: the format is told by the first bytes, never by the name.

/// Decoded pixels as they lie in the file, before orientation.
package struct DecodedImage: Sendable, Equatable {
    /// Columns.
    package var width: Int
    /// Rows.
    package var height: Int
    /// [height, width, 3] RGB, 8 bits, row-major; transparency composited on white.
    package var pixels: [UInt8]
    /// EXIF orientation, 1 to 8; 1 where the file has none.
    package var orientation: Int

    /// Pixels of a known size.
    package init(width: Int, height: Int, pixels: [UInt8], orientation: Int = 1) {
        precondition(pixels.count == width * height * 3)
        self.width = width
        self.height = height
        self.pixels = pixels
        self.orientation = orientation
    }
}

/// Decodes JPEG, PNG and WebP.
package enum ImageDecoder {
    /// Decodes a whole file.
    /// - Throws: `ImageError`, one case per cause.
    package static func decode(_ bytes: [UInt8]) throws(ImageError) -> DecodedImage {
        guard !bytes.isEmpty else { throw .empty }
        switch ImageFormat(bytes) {
        case .jpeg: return try JPEGDecoder.decode(bytes)
        case .png: return try PNGDecoder.decode(bytes)
        case .webp: return try WebPDecoder.decode(bytes)
        case .unsupported(let kind): throw .unsupported(kind)
        case .other(let kind): throw .notAPicture(kind)
        }
    }

    /// Straight-alpha RGBA to RGB on white, rounded as Pillow blends.
    static func onWhite(_ rgba: [UInt8], pixels count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 3 * count) { out, initialized in
            for pixel in 0..<count {
                let alpha = UInt32(rgba[4 * pixel + 3])
                for channel in 0..<3 {
                    let sum = UInt32(rgba[4 * pixel + channel]) * alpha + 255 * (255 - alpha) + 128
                    out[3 * pixel + channel] = UInt8((sum + sum >> 8) >> 8)
                }
            }
            initialized = 3 * count
        }
    }
}

/// A file format, told by its magic number.
enum ImageFormat: Equatable {
    case jpeg
    case png
    case webp
    /// A picture or video we cannot read.
    case unsupported(String)
    /// No picture; what it is, if known.
    case other(String?)

    init(_ bytes: [UInt8]) {
        func starts(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: PNGDecoder.signature) {
            self = .png
        } else if starts("RIFF"), starts("WEBP", at: 8) {
            self = .webp
        } else if let kind = Self.unsupported(bytes, starts) {
            self = .unsupported(kind)
        } else {
            self = .other(Self.text(bytes))
        }
    }

    private static func unsupported(_ bytes: [UInt8], _ starts: (String, Int) -> Bool) -> String? {
        if starts("GIF8", 0) { return "GIF" }
        if starts("BM", 0), bytes.count > 26 { return "BMP" }
        if bytes.starts(with: [0x49, 0x49, 0x2A, 0]) || bytes.starts(with: [0x4D, 0x4D, 0, 0x2A]) {
            return "TIFF or RAW"
        }
        if starts("8BPS", 0) { return "PSD" }
        if starts("FUJIFILM", 0) { return "RAW" }
        if bytes.starts(with: [0xFF, 0x0A]) || bytes.starts(with: [0, 0, 0, 12, 0x4A, 0x58, 0x4C, 0x20]) {
            return "JPEG XL"
        }
        if bytes.starts(with: [0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20]) { return "JPEG 2000" }
        if starts("ftyp", 4) {
            if ["heic", "heix", "hevc", "mif1", "msf1"].contains(where: { starts($0, 8) }) { return "HEIC" }
            return starts("avif", 8) ? "AVIF" : "video"
        }
        return nil
    }

    /// What a text file looks like.
    private static func text(_ bytes: [UInt8]) -> String? {
        let start = String(decoding: bytes.prefix(256), as: UTF8.self).lowercased()
        let trimmed = start.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        if trimmed.hasPrefix("<!doctype html") || trimmed.hasPrefix("<html") { return "an HTML page" }
        if trimmed.hasPrefix("<svg") || (trimmed.hasPrefix("<?xml") && start.contains("<svg")) {
            return "an SVG drawing"
        }
        if trimmed.hasPrefix("<?xml") { return "an XML file" }
        return nil
    }
}
