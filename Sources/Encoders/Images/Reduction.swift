// A picture's size to the smallest at which a JPEG may be decoded: a half, a quarter or an eighth of it.

/// How small a picture may be decoded, so that the resize still has at least twice the pixels it makes in each direction.
package struct Reduction: Sendable, Equatable {
    /// Rows and columns of what the model sees.
    package let height: Int, width: Int
    /// Whether pictures are turned as their EXIF orientation says.
    package let appliesOrientation: Bool

    /// For a model that sees so many pixels.
    package init(height: Int, width: Int, appliesOrientation: Bool) {
        self.height = height
        self.width = width
        self.appliesOrientation = appliesOrientation
    }

    /// What both sides are divided by.
    /// - Parameters:
    ///   - storedWidth: columns in the file.
    ///   - storedHeight: rows in the file.
    ///   - orientation: EXIF orientation, 1...8.
    /// - Returns: 1, 2, 4 or 8: what libjpeg-turbo decodes with vector instructions.
    package func divisor(width storedWidth: Int, height storedHeight: Int, orientation: Int) -> Int {
        let isOnItsSide = appliesOrientation && orientation >= 5
        let (across, down) = isOnItsSide ? (height, width) : (width, height)
        // The resize covers the crop: the side that would fall short is scaled to its size.
        return [8, 4, 2].first { storedWidth >= 2 * across * $0 && storedHeight >= 2 * down * $0 } ?? 1
    }
}

extension ImagePreprocessor {
    /// How small pictures may be decoded for this size.
    package func reduction(_ options: EncodingOptions) -> Reduction {
        Reduction(height: height, width: width, appliesOrientation: options.appliesOrientation)
    }
}
