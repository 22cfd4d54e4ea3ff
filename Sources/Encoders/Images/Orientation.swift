// EXIF to an orientation, and pixels turned by it.

/// EXIF's orientation tag.
package enum Orientation {
    /// The orientation of an EXIF block (a TIFF header, with or without "Exif\0\0" before it); 1 for none or damaged.
    /// - SeeAlso: CIPA DC-008 (Exif 2.32), section 4.6.4, tag 274
    package static func read(exif bytes: ArraySlice<UInt8>) -> Int {
        let tiff = bytes.starts(with: Array("Exif\0\0".utf8)) ? bytes.dropFirst(6) : bytes
        let isBigEndian: Bool
        if tiff.starts(with: [0x4D, 0x4D, 0, 0x2A]) {
            isBigEndian = true
        } else if tiff.starts(with: [0x49, 0x49, 0x2A, 0]) {
            isBigEndian = false
        } else {
            return 1
        }
        func number(_ offset: Int, _ count: Int) -> Int? {
            guard offset >= 0, offset + count <= tiff.count else { return nil }
            let slice = tiff.dropFirst(offset).prefix(count)
            return (isBigEndian ? Array(slice) : slice.reversed()).reduce(0) { $0 << 8 | Int($1) }
        }
        guard let directory = number(4, 4), let entries = number(directory, 2) else { return 1 }
        for entry in 0..<entries {
            let start = directory + 2 + 12 * entry
            guard let tag = number(start, 2) else { return 1 }
            guard tag == 0x0112 else { continue }
            guard number(start + 2, 2) == 3, let value = number(start + 8, 2), (1...8).contains(value) else { return 1 }
            return value
        }
        return 1
    }

    /// Turns and mirrors pixels so that they stand upright.
    /// - Returns: an image with orientation 1; width and height are exchanged for 5 to 8.
    package static func apply(_ image: DecodedImage) -> DecodedImage {
        let w = image.width
        let h = image.height
        // Where the upright picture's first pixel lies, and the steps to its right and lower neighbours.
        let (start, right, down): (Int, Int, Int)
        switch image.orientation {
        case 2: (start, right, down) = (w - 1, -1, w)
        case 3: (start, right, down) = (w * h - 1, -1, -w)
        case 4: (start, right, down) = (w * (h - 1), 1, -w)
        case 5: (start, right, down) = (0, w, 1)
        case 6: (start, right, down) = (w * (h - 1), -w, 1)
        case 7: (start, right, down) = (w * h - 1, -w, -1)
        case 8: (start, right, down) = (w - 1, w, -1)
        default: return image
        }
        let (width, height) = image.orientation >= 5 ? (h, w) : (w, h)
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * w * h) { out, count in
            image.pixels.withUnsafeBufferPointer { source in
                var target = 0
                for y in 0..<height {
                    var from = 3 * (start + y * down)
                    for _ in 0..<width {
                        out[target] = source[from]
                        out[target + 1] = source[from + 1]
                        out[target + 2] = source[from + 2]
                        target += 3
                        from += 3 * right
                    }
                }
            }
            count = 3 * w * h
        }
        return DecodedImage(width: width, height: height, pixels: pixels)
    }
}
