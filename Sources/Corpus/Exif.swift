// A picture file's bytes to what its EXIF block says: when it was taken, and which way is up.

/// What EXIF says of a picture.
///
/// - SeeAlso: CIPA DC-008 (Exif 3.0), sections 4.6.5 and 4.6.6; PNG 3, `eXIf`; the WebP container, `EXIF`.
package struct Exif: Sendable, Equatable {
    /// 1 to 8; 1 where nothing is said.
    package private(set) var orientation = 1
    /// When it was taken, by the clock of the place: "2019-06-01T12:34:56".
    package private(set) var taken: String?
    /// Minutes that clock was ahead of UTC.
    package private(set) var takenOffset: Int?

    private enum Tag {
        static let orientation = 0x0112, exif = 0x8769
        static let original = 0x9003, digitized = 0x9004, originalOffset = 0x9011, digitizedOffset = 0x9012
    }

    /// Reads a JPEG, PNG or WebP file; whatever is amiss counts as not said.
    package init(file: [UInt8]) {
        guard let block = Self.block(file) else { return }
        let tiff = TIFF(block.starts(with: Self.prefix) ? block.dropFirst(Self.prefix.count) : block)
        guard let tiff else { return }
        let main = tiff.entries(at: tiff.firstDirectory)
        if let value = main[Tag.orientation]?.number, (1...8).contains(value) { orientation = value }
        guard let offset = main[Tag.exif]?.number else { return }
        let exif = tiff.entries(at: offset)
        for (time, zone) in [(Tag.original, Tag.originalOffset), (Tag.digitized, Tag.digitizedOffset)] {
            guard let text = exif[time]?.text, let moment = Self.moment(text) else { continue }
            taken = moment
            takenOffset = exif[zone]?.text.flatMap(Self.minutes)
            return
        }
    }

    private static let prefix: [UInt8] = Array("Exif".utf8) + [0, 0]

    // MARK: Containers

    private static func block(_ file: [UInt8]) -> ArraySlice<UInt8>? {
        if file.starts(with: [0xFF, 0xD8]) { return jpeg(file) }
        if file.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
            return chunk("eXIf", in: file, from: 8, isBigEndian: true)
        }
        if file.starts(with: Array("RIFF".utf8)) { return chunk("EXIF", in: file, from: 12, isBigEndian: false) }
        return nil
    }

    /// The first APP1 segment that holds EXIF, before the picture's data.
    private static func jpeg(_ file: [UInt8]) -> ArraySlice<UInt8>? {
        var at = 2
        while at + 4 <= file.count, file[at] == 0xFF {
            let marker = file[at + 1]
            if marker == 0xFF {
                at += 1
                continue
            }
            if marker == 0x01 || (0xD0...0xD8).contains(marker) {
                at += 2
                continue
            }
            guard marker != 0xDA, marker != 0xD9 else { return nil }
            let end = at + 2 + (Int(file[at + 2]) << 8 | Int(file[at + 3]))
            guard end >= at + 4, end <= file.count else { return nil }
            let body = file[(at + 4)..<end]
            if marker == 0xE1, body.starts(with: prefix) { return body }
            at = end
        }
        return nil
    }

    /// A chunk by its name: PNG has length, name, data and four bytes of checksum; RIFF has name, length, padded data.
    private static func chunk(
        _ name: String, in file: [UInt8], from start: Int, isBigEndian: Bool
    ) -> ArraySlice<UInt8>? {
        var at = start
        while at + 8 <= file.count {
            let length = TIFF.number(file[(at + (isBigEndian ? 0 : 4))...].prefix(4), isLittleEndian: !isBigEndian)
            guard length <= file.count - at - 8 else { return nil }
            if file[(at + (isBigEndian ? 4 : 0))...].starts(with: name.utf8) {
                return file[(at + 8)..<(at + 8 + length)]
            }
            at += 8 + length + (isBigEndian ? 4 : length & 1)
        }
        return nil
    }

    // MARK: Times

    /// "2019:06:01 12:34:56" as "2019-06-01T12:34:56"; nil for blanks, zeros and what is no time of day.
    private static func moment(_ text: String) -> String? {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == " " || $0 == "-" || $0 == "T" }
        guard parts.count == 6, zip(parts, [4, 2, 2, 2, 2, 2]).allSatisfy({ $0.0.utf8.count == $0.1 }) else {
            return nil
        }
        let numbers = parts.compactMap { part in
            part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(part) : nil
        }
        guard numbers.count == 6, numbers[0] > 0, (1...12).contains(numbers[1]),
            (1...days(month: numbers[1], year: numbers[0])).contains(numbers[2]),
            numbers[3] < 24, numbers[4] < 60, numbers[5] <= 60
        else { return nil }
        return "\(parts[0])-\(parts[1])-\(parts[2])T\(parts[3]):\(parts[4]):\(parts[5])"
    }

    private static func days(month: Int, year: Int) -> Int {
        switch month {
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// "+02:00" as 120.
    private static func minutes(_ text: String) -> Int? {
        guard let sign = text.first, sign == "+" || sign == "-" else { return nil }
        let parts = text.dropFirst().split(separator: ":").map { Int($0) }
        guard parts.count == 2, let hours = parts[0], let minutes = parts[1], (0...14).contains(hours),
            (0..<60).contains(minutes)
        else { return nil }
        return (sign == "-" ? -1 : 1) * (60 * hours + minutes)
    }
}

/// The directories of a TIFF block.
private struct TIFF {
    private let bytes: ArraySlice<UInt8>
    private let isLittleEndian: Bool
    let firstDirectory: Int

    /// A directory entry's value.
    struct Value {
        /// The first number of a BYTE, SHORT or LONG.
        var number: Int?
        /// An ASCII value without its NUL and the blanks around it.
        var text: String?
    }

    init?(_ block: ArraySlice<UInt8>) {
        bytes = block
        isLittleEndian = block.starts(with: [0x49, 0x49, 0x2A, 0])
        guard isLittleEndian || block.starts(with: [0x4D, 0x4D, 0, 0x2A]), block.count >= 8 else { return nil }
        firstDirectory = Self.number(block.dropFirst(4).prefix(4), isLittleEndian: isLittleEndian)
    }

    static func number(_ field: ArraySlice<UInt8>, isLittleEndian: Bool) -> Int {
        isLittleEndian
            ? field.reversed().reduce(0) { $0 << 8 | Int($1) } : field.reduce(0) { $0 << 8 | Int($1) }
    }

    private func field(_ offset: Int, _ count: Int) -> ArraySlice<UInt8>? {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
        return bytes[(bytes.startIndex + offset)..<(bytes.startIndex + offset + count)]
    }

    private func number(_ offset: Int, _ count: Int) -> Int? {
        field(offset, count).map { Self.number($0, isLittleEndian: isLittleEndian) }
    }

    /// The entries of the directory at an offset, as far as they can be read.
    func entries(at offset: Int) -> [Int: Value] {
        var entries: [Int: Value] = [:]
        for index in 0..<(number(offset, 2) ?? 0) {
            let at = offset + 2 + 12 * index
            guard let tag = number(at, 2), let type = number(at + 2, 2), let count = number(at + 4, 4) else { break }
            switch type {
            case 1: entries[tag] = Value(number: number(at + 8, 1))
            case 3: entries[tag] = Value(number: number(at + 8, 2))
            case 4: entries[tag] = Value(number: number(at + 8, 4))
            case 2:
                guard let start = count <= 4 ? at + 8 : number(at + 8, 4), let text = field(start, count) else {
                    continue
                }
                let ascii = String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
                entries[tag] = Value(text: String(ascii.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()))
            default: break
            }
        }
        return entries
    }
}
