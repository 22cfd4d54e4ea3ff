// JPEG bytes become RGB pixels, as Pillow decodes them: accurate DCT, smooth upsampling, Adobe's inverted CMYK undone.
import CTurboJPEG

enum JPEGDecoder {
    /// What the markers before and between the scans say.
    struct Header {
        var width = 0
        var height = 0
        var components = 0
        var scans = 0
        var orientation = 1
    }

    static func decode(_ bytes: [UInt8]) throws(ImageError) -> DecodedImage {
        let header = try header(bytes)
        try ImageError.check(width: header.width, height: header.height)
        guard header.scans <= ImageError.maximumScans else { throw .tooManyScans(header.scans) }
        let format = header.components == 4 ? TJPF_CMYK : TJPF_RGB
        let samples = try decompress(bytes, header, format)
        let pixels = header.components == 4 ? rgb(invertedCMYK: samples) : samples
        return DecodedImage(
            width: header.width, height: header.height, pixels: pixels, orientation: header.orientation)
    }

    /// Walks the markers: the frame's size, EXIF, and how many scans there are.
    static func header(_ bytes: [UInt8]) throws(ImageError) -> Header {
        var header = Header()
        var at = 2
        while at + 4 <= bytes.count {
            guard bytes[at] == 0xFF else {
                at += 1
                continue
            }
            let marker = bytes[at + 1]
            if marker == 0xD9 { break }
            // Fill bytes, stuffed zeros, restart markers and the start stand alone.
            if marker == 0xFF {
                at += 1
                continue
            }
            if marker == 0 || marker == 1 || (0xD0...0xD8).contains(marker) {
                at += 2
                continue
            }
            let length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
            note(marker, bytes[min(at + 4, bytes.count)..<min(at + 2 + max(length, 2), bytes.count)], &header)
            at += 2 + max(length, 2)
        }
        guard header.components > 0 else { throw .truncated("JPEG") }
        guard [1, 3, 4].contains(header.components) else { throw .damaged("\(header.components) components") }
        return header
    }

    /// Reads one marker segment's payload.
    private static func note(_ marker: UInt8, _ payload: ArraySlice<UInt8>, _ header: inout Header) {
        let start = payload.startIndex
        switch marker {
        case 0xC0...0xCF where ![0xC4, 0xC8, 0xCC].contains(marker) && payload.count >= 6 && header.components == 0:
            header.height = Int(payload[start + 1]) << 8 | Int(payload[start + 2])
            header.width = Int(payload[start + 3]) << 8 | Int(payload[start + 4])
            header.components = Int(payload[start + 5])
        case 0xDA:
            header.scans += 1
        case 0xE1 where payload.starts(with: Array("Exif\0\0".utf8)) && header.orientation == 1:
            header.orientation = Orientation.read(exif: payload)
        default:
            break
        }
    }

    /// Runs TurboJPEG.
    ///
    /// Warnings stop it, since most mean pixels made up; a harmless one is looked over in a second attempt.
    private static func decompress(
        _ bytes: [UInt8], _ header: Header, _ format: TJPF
    ) throws(ImageError) -> [UInt8] {
        if let pixels = try attempt(bytes, header, format, flags: TJFLAG_STOPONWARNING) { return pixels }
        guard let pixels = try attempt(bytes, header, format, flags: 0) else { throw .damaged("unknown") }
        return pixels
    }

    /// One run of the decoder: nil when a harmless warning stopped it.
    private static func attempt(
        _ bytes: [UInt8], _ header: Header, _ format: TJPF, flags: Int32
    ) throws(ImageError) -> [UInt8]? {
        guard let handle = tjInitDecompress() else { throw .damaged("no decoder") }
        defer { tjDestroy(handle) }
        var pixels = [UInt8](repeating: 0, count: header.width * header.height * (format == TJPF_CMYK ? 4 : 3))
        let code = tjDecompress2(
            handle, bytes, UInt(bytes.count), &pixels, Int32(header.width), 0, Int32(header.height),
            Int32(format.rawValue), TJFLAG_ACCURATEDCT | flags)
        guard code != 0 else { return pixels }
        let message = String(cString: tjGetErrorStr2(handle))
        guard isHarmless(message) else {
            throw message.contains("Premature end") ? .truncated("JPEG") : .damaged(message)
        }
        return flags == 0 ? pixels : nil
    }

    /// Warnings after which every pixel is still what the file says.
    private static func isHarmless(_ message: String) -> Bool {
        ["extraneous bytes before marker", "Unknown Adobe color transform", "unknown JFIF revision"].contains {
            message.contains($0)
        }
    }

    /// Adobe's convention, which Pillow assumes of every four-component file: samples are stored inverted.
    private static func rgb(invertedCMYK samples: [UInt8]) -> [UInt8] {
        let count = samples.count / 4
        return [UInt8](unsafeUninitializedCapacity: 3 * count) { out, initialized in
            for pixel in 0..<count {
                let white = Int32(samples[4 * pixel + 3])
                for channel in 0..<3 {
                    let product = (255 - Int32(samples[4 * pixel + channel])) * white + 128
                    out[3 * pixel + channel] = UInt8(max(white - (product + product >> 8) >> 8, 0))
                }
            }
            initialized = 3 * count
        }
    }
}
