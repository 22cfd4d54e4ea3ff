// Turns a picture file's bytes into RGB pixels and its EXIF orientation.

/// A decoded picture as stored in its file, or reduced: orientation is not applied.
package struct DecodedImage: Sendable, Equatable {
    /// Columns.
    package let width: Int
    /// Rows.
    package let height: Int
    /// Columns in the file, where the picture was decoded at a reduced size.
    package let storedWidth: Int
    /// Rows in the file.
    package let storedHeight: Int
    /// RGB, `[height, width, 3]` row-major, 0...255, transparency already composited on white.
    package let pixels: [UInt8]
    /// EXIF orientation 1...8; 1 where there is none or it is damaged.
    package let orientation: Int

    /// Wraps pixels; `pixels.count` must be `width * height * 3`.
    package init(
        width: Int, height: Int, pixels: [UInt8], orientation: Int = 1, stored: (width: Int, height: Int)? = nil
    ) {
        precondition(width > 0 && height > 0 && pixels.count == width * height * 3, "pixels do not fit the size")
        precondition((1...8).contains(orientation), "EXIF orientation is 1...8")
        self.width = width
        self.height = height
        (storedWidth, storedHeight) = stored ?? (width, height)
        self.pixels = pixels
        self.orientation = orientation
    }
}

/// Decodes JPEG, PNG and WebP, the format taken from the magic number.
package enum ImageDecoder {
    /// The most pixels decoded, by the header and before anything is allocated: Pillow's `MAX_IMAGE_PIXELS`.
    package static let maximumPixels = 89_478_485
    /// Each progressive scan costs a pass over all coefficients; encoders write about ten.
    package static let maximumScans = 100
    /// 64 MB.
    package static let maximumFileSize = 64 << 20

    /// Decodes the first picture of a file held in memory; a JPEG at a reduced size if asked to.
    /// - Throws: `ImageError` with the cause; a picture that lacks data is never returned in part.
    package static func decode(
        _ bytes: [UInt8], _ reduction: Reduction? = nil
    ) throws(ImageError) -> DecodedImage {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(ImageError) -> DecodedImage in try decode(buffer, reduction) }
        }
        return try result.get()
    }

    /// Decodes the first picture of a mapped file, a JPEG at a reduced size if asked to; the bytes are not kept.
    /// - Throws: `ImageError` with the cause; a picture that lacks data is never returned in part.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer, _ reduction: Reduction? = nil
    ) throws(ImageError) -> DecodedImage {
        guard bytes.count <= maximumFileSize else { throw .fileTooLarge(bytes: bytes.count) }
        switch try ImageFormat.recognize(bytes) {
        case .jpeg: return try JPEGReader.decode(bytes, reduction)
        case .png: return try PNGReader.decode(bytes)
        case .webp: return try WebPReader.decode(bytes)
        }
    }

    /// Refuses sizes no decoder should allocate for; sides are below 2^31 in all three formats.
    /// - Throws: `.damaged` for an empty side, `.tooManyPixels` above the limit.
    static func checkSize(width: Int, height: Int, _ format: ImageFormat) throws(ImageError) {
        guard width > 0, height > 0 else { throw .damaged(format, "its size is \(width) x \(height)") }
        guard width * height <= maximumPixels else { throw .tooManyPixels(width: width, height: height) }
    }
}
