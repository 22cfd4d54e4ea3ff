// The scratch memory of one worker's forward passes, allocated once.
import CKernels
import Gaussians

/// Everything a tower writes while it computes a batch.
///
/// Owned by one worker; never shared.
package final class Activations {
    /// The most items a forward pass takes.
    package let batch: Int
    /// The residual stream, [batch * sequence, width].
    package let x: FloatBuffer
    /// A norm's output or a branch, [batch * sequence, width].
    package let normed: FloatBuffer
    /// Attention's heads side by side, [batch * sequence, width].
    package let mixed: FloatBuffer
    /// Queries, keys and values, [batch * sequence, 3 * width].
    package let qkv: FloatBuffer
    /// One head's attention, [sequence, sequence].
    package let attention: FloatBuffer
    /// The MLP's hidden layer, [batch * sequence, mlpWidth].
    package let hidden: FloatBuffer
    /// Normalised pixels, [batch, 3, height, width]; empty for texts.
    package let pixels: FloatBuffer
    /// Unfolded patches, [batch * patches, 3 * patch * patch]; empty for texts.
    package let patches: FloatBuffer
    /// What a matrix product packs, [PK_MULTIPLY_SCRATCH].
    let scratch = FloatBuffer(count: Int(PK_MULTIPLY_SCRATCH))
    /// Activations in bfloat16; empty where nothing computes with them.
    let half = ScratchBytes()
    /// What a product in bfloat16 needs besides.
    let productScratch = ScratchBytes()
    /// Raw means, [batch, D].
    package let means: FloatBuffer
    /// Log variances, [batch, D].
    package let logVariances: FloatBuffer

    init(_ shape: TransformerConfiguration, batch: Int, sequence: Int, dimension: Int, patches: Int, pixels: Int) {
        self.batch = batch
        let rows = batch * sequence
        x = FloatBuffer(count: rows * shape.width)
        normed = FloatBuffer(count: rows * shape.width)
        mixed = FloatBuffer(count: rows * shape.width)
        qkv = FloatBuffer(count: rows * 3 * shape.width)
        attention = FloatBuffer(count: sequence * sequence)
        hidden = FloatBuffer(count: rows * shape.mlpWidth)
        self.pixels = FloatBuffer(count: batch * pixels)
        self.patches = FloatBuffer(count: batch * patches)
        means = FloatBuffer(count: batch * dimension)
        logVariances = FloatBuffer(count: batch * dimension)
    }

    /// Row `index` of the last batch as a Gaussian: the mean normalised as torch's `F.normalize` does, the log variance
    /// as it is, or a point where the tower has no uncertainty.
    func gaussian(_ index: Int, dimension: Int, isPoint: Bool) -> Gaussian {
        let raw = UnsafeBufferPointer(start: means.pointer + index * dimension, count: dimension)
        let length = raw.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let mean = raw.map { Float(Double($0) / max(length, 1e-12)) }
        guard !isPoint else { return Gaussian(point: mean) }
        let logVariance = UnsafeBufferPointer(start: logVariances.pointer + index * dimension, count: dimension)
        return Gaussian(mean: mean, logVariance: Array(logVariance))
    }
}

/// Scratch memory that grows to what it is asked for.
final class ScratchBytes {
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// At least so many bytes, 64-byte aligned; what was in them before is lost.
    func reserve(byteCount: Int) -> UnsafeMutableRawPointer {
        if let base = memory.baseAddress, memory.count >= byteCount { return base }
        memory.deallocate()
        let base = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 64), alignment: 64)
        memory = UnsafeMutableRawBufferPointer(start: base, count: max(byteCount, 64))
        return base
    }

    deinit { memory.deallocate() }
}
