// A picture file becomes a Gaussian: decode, turn, resize and crop, normalise, encode.
import Gaussians

/// A picture ready for the tower.
package struct PreparedPicture: Sendable {
    /// Resized, cropped pixels, [height, width, 3] of the tower's input size.
    package let pixels: [UInt8]
    /// Size of the picture in the file, in pixels, before orientation.
    package let width: Int
    package let height: Int
}

/// The image side of a model.
package struct ImageEncoder: Sendable {
    /// Pictures per forward pass: enough for the matrix products to run at full speed.
    package static let batchSize = 8

    /// Pictures a worker should take at a time, so that few pictures still keep every worker busy, and all end together.
    /// - Parameters:
    ///   - count: pictures in all.
    ///   - jobs: workers, at least 1.
    /// - Returns: at least 1, at most `batchSize`.
    package static func share(of count: Int, jobs: Int) -> Int {
        let jobs = max(jobs, 1)
        let full = max((count + batchSize - 1) / batchSize, 1)
        let shares = (full + jobs - 1) / jobs * jobs  // as many for each worker
        return max(1, (count + shares - 1) / shares)
    }
    private let tower: ImageTower
    private let preprocessor: ImagePreprocessor
    private let options: EncodingOptions
    private let pool: ActivationsPool

    /// Pairs a tower with how pictures are decoded and turned.
    package init(tower: ImageTower, _ options: EncodingOptions = EncodingOptions()) {
        self.tower = tower
        self.options = options
        preprocessor = ImagePreprocessor(height: tower.shape.height, width: tower.shape.width)
        pool = ActivationsPool { tower.activations(batch: Self.batchSize) }
    }

    /// Decodes a picture and brings it to the tower's input size.
    /// - Parameter bytes: a whole file; its format is told by its first bytes.
    /// - Returns: the pixels the tower takes, and the picture's own size.
    /// - Throws: `ImageError`: no picture, an unsupported kind, damaged or truncated, too large.
    package func prepare(_ bytes: [UInt8]) throws(ImageError) -> PreparedPicture {
        let reduction = options.decodesReduced ? preprocessor.reduction(options) : nil
        let image = try ImageDecoder.decode(bytes, reduction)
        let pixels = preprocessor.preprocess(image, applyOrientation: options.appliesOrientation)
        return PreparedPicture(pixels: pixels, width: image.storedWidth, height: image.storedHeight)
    }

    /// Prepared pictures to Gaussians, in order; the means normalised.
    /// - Parameters:
    ///   - pictures: any number.
    ///   - threads: how many share the work; for callers whose other workers have nothing to do.
    /// - Returns: one per picture.
    package func encode(_ pictures: [PreparedPicture], threads: Int = 1) -> [Gaussian] {
        var gaussians: [Gaussian] = []
        let plane = 3 * tower.shape.height * tower.shape.width
        pool.lend(threads: threads) { activations in
            let input = activations.pixels.pointer  // [batch, 3, height, width]
            for start in stride(from: 0, to: pictures.count, by: Self.batchSize) {
                let batch = pictures[start..<min(start + Self.batchSize, pictures.count)]
                for (index, picture) in batch.enumerated() {
                    preprocessor.normalize(picture.pixels, into: input + index * plane)
                }
                tower.forward(input, batch: batch.count, activations)
                for index in batch.indices.map({ $0 - start }) {
                    gaussians.append(
                        activations.gaussian(
                            index, dimension: tower.dimension, isPoint: !tower.shape.hasUncertainty))
                }
            }
        }
        return gaussians
    }
}
