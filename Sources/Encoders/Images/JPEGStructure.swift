// Turns JPEG bytes into what their markers say, before a single coefficient is decoded.
import Glibc

/// The marker segments of a JPEG file: size, scans, EXIF, and whether the end is there.
///
/// - SeeAlso: ITU-T T.81, annex B.
struct JPEGStructure {
    /// Size in pixels, sample precision in bits, and the marker of the frame header (0xC0...0xCF).
    private(set) var width = 0, height = 0, precision = 0, frame: UInt8 = 0
    /// Colour components: 1 grey, 3 YCbCr or RGB, 4 CMYK or YCCK.
    private(set) var components = 0
    /// Scans, and how many different components they carry.
    private(set) var scans = 0
    private var scannedComponents: Set<UInt8> = []
    /// EXIF orientation, 1 where there is none.
    private(set) var orientation = 1
    /// Ranges of stray bytes between segments.
    private(set) var stray: [Range<Int>] = []

    /// Whether each component has data in some scan; libjpeg fills in grey otherwise.
    var isComplete: Bool { scannedComponents.count >= components }

    private let bytes: UnsafeRawBufferPointer

    /// Walks all segments up to the end-of-image marker.
    /// - Throws: `.truncated` without an end, `.damaged` where a segment is too short for its content.
    init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        self.bytes = bytes
        var offset = 2
        var hasFoundExif = false
        while true {
            let marker = try nextMarker(&offset)
            if marker == 0xD9 { return }
            if marker == 0x01 || (0xD0...0xD8).contains(marker) { continue }
            let body = try segment(&offset)
            switch marker {
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF: try readFrame(body, marker)
            case 0xDA:
                try readScan(body)
                skipEntropyCodedData(&offset)
            case 0xE1 where !hasFoundExif && body.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0]):
                hasFoundExif = true
                orientation = Orientation.read(exif: body)
            default: break
            }
        }
    }

    /// The byte after the next 0xFF that is neither fill nor a stuffed zero; notes what was skipped.
    private mutating func nextMarker(_ offset: inout Int) throws(ImageError) -> UInt8 {
        let start = offset
        while true {
            guard let found = nextFF(from: offset) else { throw .truncated(.jpeg) }
            var index = found
            while index < bytes.count, bytes[index] == 0xFF { index += 1 }
            guard index < bytes.count else { throw .truncated(.jpeg) }
            offset = index + 1
            guard bytes[index] != 0 else { continue }
            if found > start { stray.append(start..<found) }
            return bytes[index]
        }
    }

    private func nextFF(from offset: Int) -> Int? {
        guard offset < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + offset, 0xFF, bytes.count - offset)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// The bytes after the two-byte length.
    private func segment(_ offset: inout Int) throws(ImageError) -> UnsafeRawBufferPointer {
        guard offset + 2 <= bytes.count else { throw .truncated(.jpeg) }
        let length = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
        guard length >= 2 else { throw .damaged(.jpeg, "a marker segment of length \(length)") }
        guard offset + length <= bytes.count else { throw .truncated(.jpeg) }
        let body = UnsafeRawBufferPointer(rebasing: bytes[(offset + 2)..<(offset + length)])
        offset += length
        return body
    }

    private mutating func readFrame(_ body: UnsafeRawBufferPointer, _ marker: UInt8) throws(ImageError) {
        guard frame == 0 else { throw .damaged(.jpeg, "two frame headers") }
        guard body.count >= 6 else { throw .damaged(.jpeg, "a frame header of \(body.count) bytes") }
        frame = marker
        precision = Int(body[0])
        height = Int(body[1]) << 8 | Int(body[2])
        width = Int(body[3]) << 8 | Int(body[4])
        components = Int(body[5])
    }

    private mutating func readScan(_ body: UnsafeRawBufferPointer) throws(ImageError) {
        scans += 1
        guard let count = body.first, body.count >= 1 + 2 * Int(count) else {
            throw .damaged(.jpeg, "a scan header of \(body.count) bytes")
        }
        for index in 0..<Int(count) { scannedComponents.insert(body[1 + 2 * index]) }
    }

    /// Stops at the 0xFF of the first marker that is not a restart.
    private func skipEntropyCodedData(_ offset: inout Int) {
        while let found = nextFF(from: offset) {
            guard found + 1 < bytes.count else { break }
            let next = bytes[found + 1]
            guard next == 0 || next == 0xFF || (0xD0...0xD7).contains(next) else {
                offset = found
                return
            }
            offset = next == 0xFF ? found + 1 : found + 2
        }
        offset = bytes.count
    }
}
