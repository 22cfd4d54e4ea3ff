// The scratch memory of one worker's forward passes, allocated once, and how its threads share a pass.
import CKernels
import Dispatch
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
    /// The MLP's hidden layer, [batch * sequence, mlpWidth].
    package let hidden: FloatBuffer
    /// Normalised pixels, [batch, 3, height, width]; empty for texts.
    package let pixels: FloatBuffer
    /// Unfolded patches, [batch * patches, 3 * patch * patch]; empty for texts.
    package let patches: FloatBuffer
    /// What each thread of a pass needs for itself; the first is the worker's own.
    private var lanes: [Lane]
    private let sequence: Int
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
        self.sequence = sequence
        lanes = [Lane(sequence: sequence)]
        hidden = FloatBuffer(count: rows * shape.mlpWidth)
        self.pixels = FloatBuffer(count: batch * pixels)
        self.patches = FloatBuffer(count: batch * patches)
        means = FloatBuffer(count: batch * dimension)
        logVariances = FloatBuffer(count: batch * dimension)
    }

    /// The worker's own lane.
    package var lane: Lane { lanes[0] }

    /// How many threads share a forward pass; 1 at first.
    ///
    /// What a pass gives does not depend on it, beyond what a product's result may depend on its number of rows: with kernels
    /// that have products of their own, nothing.
    package var threads: Int {
        get { lanes.count }
        set {
            while lanes.count < newValue { lanes.append(Lane(sequence: sequence)) }
            lanes.removeLast(lanes.count - max(newValue, 1))
        }
    }

    /// Hands all of `0..<count` to `body` in consecutive ranges, one a thread, and waits for them.
    func share(_ count: Int, _ body: (Lane, Range<Int>) -> Void) {
        let parts = min(lanes.count, count)
        guard parts > 1 else { return body(lanes[0], 0..<count) }
        withoutActuallyEscaping(body) { body in
            let shared = Shared(lanes: lanes, body: body)
            DispatchQueue.concurrentPerform(iterations: parts) { part in
                shared.body(shared.lanes[part], (part * count / parts)..<((part + 1) * count / parts))
            }
        }
    }

    /// Each part has a lane and rows of its own, and all end before the caller goes on.
    private struct Shared: @unchecked Sendable {
        let lanes: [Lane]
        let body: (Lane, Range<Int>) -> Void
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

/// What one thread of a forward pass writes besides its rows.
package final class Lane {
    /// One head's attention, [sequence, sequence].
    let attention: FloatBuffer
    /// What a matrix product packs, [PK_MULTIPLY_SCRATCH].
    let scratch = FloatBuffer(count: Int(PK_MULTIPLY_SCRATCH))
    /// Activations in bfloat16; empty where nothing computes with them.
    let half = ScratchBytes()
    /// What a product in bfloat16 needs besides.
    let productScratch = ScratchBytes()

    init(sequence: Int) { attention = FloatBuffer(count: sequence * sequence) }
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
