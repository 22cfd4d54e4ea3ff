// Turns a decoded picture into the pixels an image tower sees: resized, cropped, normalised.

/// The preprocessing of CLIP: scale until the picture covers the size, crop the centre, normalise.
///
/// Reference: `CLIPImageProcessor` of transformers with Pillow's bicubic kernel; fixtures/PROLIP.md, section 7.
package struct ImagePreprocessor: Sendable {
    /// Rows and columns of the result.
    package let height: Int, width: Int

    /// Per channel, in units of 1 = white: CLIP's constants.
    package static let mean: [Float] = [0.48145466, 0.4578275, 0.40821073]
    /// As `mean`.
    package static let standardDeviation: [Float] = [0.26862954, 0.26130258, 0.27577711]

    /// A preprocessor for one image size.
    package init(height: Int, width: Int) {
        precondition(height > 0 && width > 0, "image size must be positive")
        self.height = height
        self.width = width
    }

    /// Resizes and crops.
    ///
    /// The side that would fall short is scaled to its size, the other to `Int(size * other / side)`; the crop starts
    /// at half the rest, rounded down. Only what the crop needs is computed. An orientation moves no pixels: the axes
    /// of the resize are swapped and mirrored instead, which gives the same sums as turning the picture first.
    /// - Returns: `[height, width, 3]` RGB, row-major.
    package func preprocess(_ image: DecodedImage, applyOrientation: Bool) -> [UInt8] {
        let turn = Turn(orientation: applyOrientation ? image.orientation : 1)
        let (uprightWidth, uprightHeight) =
            turn.swapsAxes ? (image.height, image.width) : (image.width, image.height)
        var (across, down) = axes(width: uprightWidth, height: uprightHeight)
        if turn.mirrorsAcross { across = across.mirrored(source: uprightWidth) }
        if turn.mirrorsDown { down = down.mirrored(source: uprightHeight) }
        return image.pixels.withUnsafeBufferPointer { pixels in
            guard let source = pixels.baseAddress else { return [] }
            return turn.swapsAxes
                ? transposed(resizeSideways(source, stride: image.width * 3, across, down))
                : resizeUpright(source, stride: image.width * 3, across, down)
        }
    }

    /// Writes `(pixel / 255 - mean) / standardDeviation` in Float32.
    /// - Parameters:
    ///   - pixels: `[height, width, 3]` as `preprocess` returns.
    ///   - output: room for `[3, height, width]` Float32, planar.
    package func normalize(_ pixels: [UInt8], into output: UnsafeMutablePointer<Float>) {
        let plane = height * width
        precondition(pixels.count == plane * 3, "pixels do not fit the image size")
        pixels.withUnsafeBufferPointer { pixels in
            for channel in 0..<3 {
                let table = (0..<256).map { (Float($0) / 255 - Self.mean[channel]) / Self.standardDeviation[channel] }
                for index in 0..<plane { output[channel * plane + index] = table[Int(pixels[index * 3 + channel])] }
            }
        }
    }

    /// The two axes of the resize for an upright picture.
    private func axes(width sourceWidth: Int, height sourceHeight: Int) -> (across: ResampleAxis, down: ResampleAxis) {
        var scaledWidth = width, scaledHeight = height
        if sourceWidth * height >= sourceHeight * width {
            scaledWidth = height * sourceWidth / sourceHeight
        } else {
            scaledHeight = width * sourceHeight / sourceWidth
        }
        let left = (scaledWidth - width) / 2, top = (scaledHeight - height) / 2
        return (
            ResampleAxis(source: sourceWidth, scaled: scaledWidth, kept: left..<(left + width)),
            ResampleAxis(source: sourceHeight, scaled: scaledHeight, kept: top..<(top + height))
        )
    }

    /// Across first, then down, as Pillow; for a picture stored upright or mirrored.
    private func resizeUpright(
        _ source: UnsafePointer<UInt8>, stride: Int, _ across: ResampleAxis, _ down: ResampleAxis
    ) -> [UInt8] {
        let rows = down.span
        let narrow = Resample.horizontally(source, stride: stride, rows: rows, origin: 0, across)
        let row = across.count * 3
        return Resample.vertically(narrow, stride: row, columns: 0..<row, origin: rows.lowerBound, down)
    }

    /// The same for a picture stored lying on its side: "across" runs along its stored columns.
    /// - Returns: `[width, height, 3]`, still on its side.
    private func resizeSideways(
        _ source: UnsafePointer<UInt8>, stride: Int, _ across: ResampleAxis, _ down: ResampleAxis
    ) -> [UInt8] {
        let columns = down.span
        let bytes = (columns.lowerBound * 3)..<(columns.upperBound * 3)
        let narrow = Resample.vertically(source, stride: stride, columns: bytes, origin: 0, across)
        return Resample.horizontally(
            narrow, stride: bytes.count, rows: 0..<across.count, origin: columns.lowerBound, down)
    }

    /// `[width, height, 3]` to `[height, width, 3]`.
    private func transposed(_ pixels: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: pixels.count)
        for row in 0..<height {
            for column in 0..<width {
                let from = (column * height + row) * 3, to = (row * width + column) * 3
                for channel in 0..<3 { output[to + channel] = pixels[from + channel] }
            }
        }
        return output
    }
}

/// What an EXIF orientation asks: the upright picture's axes in terms of the stored one's.
private struct Turn {
    /// "Across" runs along the stored columns.
    let swapsAxes: Bool
    /// "Across", or "down", runs against the stored direction.
    let mirrorsAcross: Bool, mirrorsDown: Bool

    init(orientation: Int) {
        swapsAxes = orientation >= 5
        mirrorsAcross = [2, 3, 6, 7].contains(orientation)
        mirrorsDown = [3, 4, 7, 8].contains(orientation)
    }
}
