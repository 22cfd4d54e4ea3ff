// EXIF blocks in three containers and two byte orders to capture times and orientations; damaged ones to nothing.
import Corpus
import TestSupport
import Testing

@Suite struct ExifTests {
    /// A TIFF block with an orientation and, in the Exif directory, ASCII values by tag.
    static func block(orientation: Int = 6, _ texts: KeyValuePairs<Int, String>, isLittleEndian: Bool = true) -> [UInt8]
    {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            let bytes = (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) }
            return isLittleEndian ? bytes : bytes.reversed()
        }
        var block = Array((isLittleEndian ? "II" : "MM").utf8) + number(42, 2) + number(8, 4)
        block += number(2, 2)
        block += number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + [0, 0]
        block += number(0x8769, 2) + number(4, 2) + number(1, 4) + number(38, 4)
        block += number(0, 4)
        var data: [UInt8] = []
        block += number(texts.count, 2)
        let start = block.count + 12 * texts.count + 4
        for (tag, text) in texts {
            let ascii = Array(text.utf8) + [0]
            block += number(tag, 2) + number(2, 2) + number(ascii.count, 4)
            if ascii.count <= 4 {
                block += ascii + [UInt8](repeating: 0, count: 4 - ascii.count)
            } else {
                block += number(start + data.count, 4)
                data += ascii
            }
        }
        return block + number(0, 4) + data
    }

    static func jpeg(_ block: [UInt8]) -> [UInt8] {
        let body = Array("Exif".utf8) + [0, 0] + block
        let length = body.count + 2
        return [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 0xFF)] + body
            + [0xFF, 0xDA, 0, 2]
    }

    static func png(_ block: [UInt8]) -> [UInt8] {
        func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
            (0..<4).map { UInt8(data.count >> (24 - 8 * $0) & 0xFF) } + Array(name.utf8) + data + [0, 0, 0, 0]
        }
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", [1, 2, 3]) + chunk("eXIf", block)
    }

    static func webp(_ block: [UInt8]) -> [UInt8] {
        func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
            Array(name.utf8) + (0..<4).map { UInt8(data.count >> (8 * $0) & 0xFF) } + data
                + (data.count % 2 == 1 ? [0] : [])
        }
        return Array("RIFF....WEBP".utf8) + chunk("VP8X", [1, 2, 3]) + chunk("EXIF", block)
    }

    @Test(arguments: [true, false]) func captureTimesInEveryContainer(isLittleEndian: Bool) {
        let block = Self.block(
            [0x9003: "2019:06:01 12:34:56", 0x9011: "+02:00"], isLittleEndian: isLittleEndian)
        for file in [Self.jpeg(block), Self.png(block), Self.webp(block)] {
            let exif = Exif(file: file)
            #expect(exif.taken == "2019-06-01T12:34:56" && exif.takenOffset == 120 && exif.orientation == 6)
        }
    }

    @Test func theTimeOfDigitizingStandsInWithItsOwnOffset() {
        let texts: KeyValuePairs = [0x9004: "2001:02:28 00:00:00", 0x9011: "+01:00", 0x9012: "-09:30"]
        let exif = Exif(file: Self.jpeg(Self.block(texts)))
        #expect(exif.taken == "2001-02-28T00:00:00" && exif.takenOffset == -570)
        let blank: KeyValuePairs = [0x9003: "    :  :     :  :  ", 0x9004: "2001:02:28 00:00:00"]
        #expect(Exif(file: Self.jpeg(Self.block(blank))).taken == "2001-02-28T00:00:00")
    }

    @Test(arguments: [
        "0000:00:00 00:00:00", "2019:13:01 00:00:00", "2019:02:29 00:00:00", "2019:06:01 24:00:00", "2019:06:01",
        "x019:06:01 12:34:56", "2019:6:1 12:34:56", "", "2019:06:01 12:34:5\u{660}",
    ])
    func whatIsNoTimeIsNotSaid(text: String) {
        let exif = Exif(file: Self.jpeg(Self.block([0x9003: text])))
        #expect(exif.taken == nil && exif.orientation == 6)
    }

    @Test func leapDaysAndLeapSecondsAreTimes() {
        let exif = Exif(file: Self.jpeg(Self.block([0x9003: "2016:02:29 23:59:60"])))
        #expect(exif.taken == "2016-02-29T23:59:60" && exif.takenOffset == nil)
    }

    @Test func anOffsetThatIsNoneIsNotSaid() {
        for zone in ["Z", "+25:00", "02:00", "+0200"] {
            let exif = Exif(file: Self.jpeg(Self.block([0x9003: "2019:06:01 12:34:56", 0x9011: zone])))
            #expect(exif.taken != nil && exif.takenOffset == nil)
        }
    }

    @Test func filesWithoutExifSayNothing() {
        for file in [[], [0xFF], [0xFF, 0xD8], [0xFF, 0xD8, 0xFF, 0xD9], Self.png([]), Array("RIFF".utf8)] {
            #expect(Exif(file: file) == Exif(file: []))
        }
        #expect(Exif(file: []).orientation == 1)
    }

    /// Every prefix, and every byte replaced, must be read without a trap.
    @Test func damagedBlocksAreSurvived() {
        let texts: KeyValuePairs = [0x9003: "2019:06:01 12:34:56", 0x9011: "+02:00"]
        for file in [Self.jpeg(Self.block(texts)), Self.png(Self.block(texts)), Self.webp(Self.block(texts))] {
            for count in 0...file.count { _ = Exif(file: Array(file.prefix(count))) }
            for index in file.indices {
                for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                    var damaged = file
                    damaged[index] = value
                    let exif = Exif(file: damaged)
                    #expect((1...8).contains(exif.orientation))
                }
            }
        }
    }
}
