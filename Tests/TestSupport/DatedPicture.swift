// A JPEG file to the same with an EXIF block: turned by a quarter, and taken at a time.

/// Pictures with a capture time.
package enum DatedPicture {
    /// Puts an EXIF block behind the start of a JPEG file.
    /// - Parameters:
    ///   - content: the file.
    ///   - time: "2019:06:01 12:34:56", two hours ahead of UTC.
    /// - Returns: the file with orientation 6 and that time.
    package static func jpeg(_ content: [UInt8], taken time: String = "2019:06:01 12:34:56") -> [UInt8] {
        precondition(time.utf8.count == 19, "EXIF writes times in 19 characters")
        var block: [UInt8] = Array("Exif".utf8) + [0, 0] + Array("II".utf8) + [42, 0, 8, 0, 0, 0]
        block += [2, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0x69, 0x87, 4, 0, 1, 0, 0, 0, 38, 0, 0, 0, 0, 0, 0, 0]
        block += [
            2, 0, 0x03, 0x90, 2, 0, 20, 0, 0, 0, 68, 0, 0, 0, 0x11, 0x90, 2, 0, 7, 0, 0, 0, 88, 0, 0, 0, 0, 0, 0, 0,
        ]
        block += Array(time.utf8) + [0] + Array("+02:00".utf8) + [0]
        return Array(content.prefix(2)) + [0xFF, 0xE1, 0, UInt8(block.count + 2)] + block + content.dropFirst(2)
    }
}
