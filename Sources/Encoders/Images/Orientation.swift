// Turns an EXIF block (a small TIFF file) into the orientation it names, 1 where anything is amiss.

/// Reads tag 0x0112 of IFD0.
///
/// - SeeAlso: CIPA DC-008 (Exif 3.0), section 4.6.5.1, "Orientation".
enum Orientation {
    private static let tag = 0x0112
    private static let byte = 1, short = 3, long = 4

    /// The orientation, 1...8, of an EXIF block with or without the leading `Exif\0\0`.
    static func read(exif: UnsafeRawBufferPointer) -> Int {
        let prefix: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]
        let tiff = exif.starts(with: prefix) ? UnsafeRawBufferPointer(rebasing: exif.dropFirst(prefix.count)) : exif
        guard let orientation = find(in: tiff), (1...8).contains(orientation) else { return 1 }
        return orientation
    }

    private static func find(in tiff: UnsafeRawBufferPointer) -> Int? {
        let isLittle = tiff.starts(with: [0x49, 0x49, 0x2A, 0])
        guard isLittle || tiff.starts(with: [0x4D, 0x4D, 0, 0x2A]) else { return nil }
        func number(at offset: Int, bytes count: Int) -> Int? {
            guard offset >= 0, offset <= tiff.count - count else { return nil }
            let field = tiff[offset..<(offset + count)]
            return (isLittle ? Array(field.reversed()) : Array(field)).reduce(0) { $0 << 8 | Int($1) }
        }
        guard let directory = number(at: 4, bytes: 4), let entries = number(at: directory, bytes: 2) else { return nil }
        for index in 0..<entries {
            let entry = directory + 2 + index * 12
            guard let name = number(at: entry, bytes: 2), let type = number(at: entry + 2, bytes: 2) else { return nil }
            guard name == tag else { continue }
            switch type {
            case byte: return number(at: entry + 8, bytes: 1)
            case short: return number(at: entry + 8, bytes: 2)
            case long: return number(at: entry + 8, bytes: 4)
            default: return nil
            }
        }
        return nil
    }
}
