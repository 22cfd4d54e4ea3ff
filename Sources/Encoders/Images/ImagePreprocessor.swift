// Decoded pixels become the tower's input: turned upright, scaled to cover, cropped at the centre, normalised.

/// The preprocessing of a tower with input size `height` x `width`.
package struct ImagePreprocessor: Sendable {
    /// CLIP's channel means and standard deviations.
    private static let mean: [Float] = [0.48145466, 0.4578275, 0.40821073]
    private static let deviation: [Float] = [0.26862954, 0.26130258, 0.27577711]
    /// The tower's input size in pixels.
    package let height: Int
    package let width: Int

    /// Remembers the tower's input size.
    package init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// Scales so that the picture covers the input, and crops the centre; only the crop's rows and columns are computed.
    /// - Returns: [height, width, 3] uint8, as Pillow's bicubic gives it.
    package func preprocess(_ image: DecodedImage, applyOrientation: Bool) -> [UInt8] {
        let image = applyOrientation ? Orientation.apply(image) : image
        let (fullWidth, fullHeight) = coveringSize(image)
        let left = (fullWidth - width) / 2
        let top = (fullHeight - height) / 2
        let columns = BicubicTaps(input: image.width, output: fullWidth, range: left..<(left + width))
        let rows = BicubicTaps(input: image.height, output: fullHeight, range: top..<(top + height))
        let band = fullHeight == image.height ? top..<(top + height) : rows.source
        let narrow = horizontal(image, columns, rows: band, isIdentity: fullWidth == image.width, left: left)
        return fullHeight == image.height ? narrow : vertical(narrow, rows, firstRow: band.lowerBound)
    }

    /// The size after scaling: one side fits exactly, the other is cut down to whole pixels.
    private func coveringSize(_ image: DecodedImage) -> (width: Int, height: Int) {
        if width * image.height >= height * image.width {
            return (width, max(width * image.height / image.width, height))
        }
        return (max(height * image.width / image.height, width), height)
    }

    /// The wanted columns of some rows, resized along x: -> [rows, width, 3].
    private func horizontal(
        _ image: DecodedImage, _ taps: BicubicTaps, rows: Range<Int>, isIdentity: Bool, left: Int
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: rows.count * width * 3) { out, count in
            count = rows.count * width * 3
            image.pixels.withUnsafeBufferPointer { source in
                taps.weights.withUnsafeBufferPointer { weights in
                    for (index, row) in rows.enumerated() {
                        let line = row * image.width * 3
                        var target = index * width * 3
                        if isIdentity {
                            for offset in 0..<(width * 3) { out[target + offset] = source[line + left * 3 + offset] }
                            continue
                        }
                        for column in 0..<width {
                            var sums = (Int32(1) << 21, Int32(1) << 21, Int32(1) << 21)
                            var at = line + taps.first[column] * 3
                            let weight = column * taps.stride
                            for tap in weight..<(weight + taps.counts[column]) {
                                sums.0 &+= Int32(source[at]) &* weights[tap]
                                sums.1 &+= Int32(source[at + 1]) &* weights[tap]
                                sums.2 &+= Int32(source[at + 2]) &* weights[tap]
                                at += 3
                            }
                            out[target] = BicubicTaps.sample(sums.0)
                            out[target + 1] = BicubicTaps.sample(sums.1)
                            out[target + 2] = BicubicTaps.sample(sums.2)
                            target += 3
                        }
                    }
                }
            }
        }
    }

    /// All wanted rows, resized along y: [band, width, 3] -> [height, width, 3].
    private func vertical(_ band: [UInt8], _ taps: BicubicTaps, firstRow: Int) -> [UInt8] {
        let line = width * 3
        var sums = [Int32](repeating: 0, count: line)
        return [UInt8](unsafeUninitializedCapacity: height * line) { out, count in
            count = height * line
            band.withUnsafeBufferPointer { band in
                sums.withUnsafeMutableBufferPointer { sums in
                    for row in 0..<height {
                        for index in 0..<line { sums[index] = 1 << 21 }
                        for tap in 0..<taps.counts[row] {
                            let weight = taps.weights[row * taps.stride + tap]
                            let source = (taps.first[row] + tap - firstRow) * line
                            for index in 0..<line { sums[index] &+= Int32(band[source + index]) &* weight }
                        }
                        for index in 0..<line { out[row * line + index] = BicubicTaps.sample(sums[index]) }
                    }
                }
            }
        }
    }

    /// [height, width, 3] uint8 -> [3, height, width] Float32: (u8 / 255 - mean) / deviation, in single precision.
    package func normalize(_ pixels: [UInt8], into out: UnsafeMutablePointer<Float>) {
        precondition(pixels.count == height * width * 3)
        let plane = height * width
        for channel in 0..<3 {
            let mean = Self.mean[channel]
            let deviation = Self.deviation[channel]
            for index in 0..<plane {
                out[channel * plane + index] = (Float(pixels[3 * index + channel]) / 255 - mean) / deviation
            }
        }
    }
}
