// Normalised pixels to Gaussians: ProLIP's vision transformer with a class and an uncertainty token.
import CKernels
import Gaussians

/// The image tower: weights and their forward pass.
/// - SeeAlso: `VisionTransformer` in naver-ai/prolip; shared fixtures, `PROLIP.md` section 3
package struct ImageTower: Sendable {
    package let shape: ImageTowerConfiguration
    package let dimension: Int
    let patchEmbedding: FloatTensor  // conv1.weight [width, 3, patch, patch]
    let classToken: FloatTensor  // class_embedding [width]
    let uncertaintyToken: FloatTensor?  // unc_embedding [width]
    let positions: FloatTensor  // positional_embedding [sequence, width]
    package let preNorm: LayerNorm?  // ln_pre
    package let blocks: [Block]
    package let postNorm: LayerNorm  // ln_post
    let projection: FloatTensor  // proj [width, D]
    package let uncertaintyProjection: Linear?  // uncertainty_proj [D, width]

    /// Takes the tower's tensors out of a checkpoint; the blocks compute their products in `precision`.
    /// - Throws: `PrecisionError`, `SafetensorsError` naming file, tensor, got and expected.
    package init(
        _ checkpoint: inout Checkpoint, _ shape: ImageTowerConfiguration, dimension: Int, precision: Precision = .f32
    ) throws {
        let width = shape.transformer.width
        let eps = shape.transformer.eps
        self.shape = shape
        self.dimension = dimension
        patchEmbedding = try checkpoint.tensor("visual.conv1.weight", [width, 3, shape.patch, shape.patch])
        classToken = try checkpoint.tensor("visual.class_embedding", [width])
        uncertaintyToken = shape.hasUncertainty ? try checkpoint.tensor("visual.unc_embedding", [width]) : nil
        positions = try checkpoint.tensor("visual.positional_embedding", [shape.sequence, width])
        preNorm = shape.noPreNorm ? nil : try LayerNorm(&checkpoint, "visual.ln_pre", width: width, eps: eps)
        blocks = try Block.all(&checkpoint, "visual", shape.transformer, precision)
        postNorm = try LayerNorm(&checkpoint, "visual.ln_post", width: width, eps: eps)
        projection = try checkpoint.tensor("visual.proj", [width, dimension])
        uncertaintyProjection =
            shape.hasUncertainty
            ? try Linear(&checkpoint, "visual.uncertainty_proj", inputs: width, outputs: dimension) : nil
        try checkpoint.finish(prefix: "visual.")
    }

    /// Scratch memory for batches of at most `batch` pictures.
    package func activations(batch: Int) -> Activations {
        let patches = shape.grid.rows * shape.grid.columns * 3 * shape.patch * shape.patch
        return Activations(
            shape.transformer, batch: batch, sequence: shape.sequence, dimension: dimension, patches: patches,
            pixels: 3 * shape.height * shape.width)
    }

    /// pixels [batch, 3, height, width] -> `buffers.means` [batch, D] raw, `buffers.logVariances` [batch, D].
    /// - Parameters:
    ///   - pixels: planar RGB, normalised by CLIP's mean and standard deviation.
    ///   - batch: number of pictures, at most the buffers' batch.
    ///   - buffers: scratch memory; receives the results.
    ///   - kernels: the instruction set.
    package func forward(
        _ pixels: UnsafePointer<Float>, batch: Int, _ buffers: Activations, _ kernels: Kernels = .best
    ) {
        precondition(batch <= buffers.batch)
        let width = shape.transformer.width
        let sequence = shape.sequence
        let x = buffers.x.pointer  // [batch * sequence, width]

        embed(pixels, batch: batch, buffers, kernels)
        preNorm?.forward(x, rows: batch * sequence, into: x, kernels)
        for block in blocks {
            block.forward(x, batch: batch, sequence: sequence, buffers, kernels)
        }

        for item in 0..<batch {
            let tokens = x + item * sequence * width  // [sequence, width]: class, uncertainty, patches
            postNorm.forward(tokens, rows: shape.hasUncertainty ? 2 : 1, into: tokens, kernels)
            if let uncertaintyProjection {
                uncertaintyProjection.forward(
                    tokens + width, rows: 1, into: buffers.logVariances.pointer + item * dimension, buffers.lane,
                    kernels)
                postNorm.forward(tokens, rows: 1, into: tokens, kernels)  // the class token passes ln_post twice
            }
        }
        BLAS.multiply(
            m: batch, n: dimension, k: width, x, lda: sequence * width, projection.pointer, ldb: dimension,
            transposed: false, into: buffers.means.pointer, ldc: dimension, buffers.lane.scratch, kernels)
    }

    /// pixels [batch, 3, height, width] -> `buffers.x` [batch * sequence, width]: tokens with positions.
    package func embed(
        _ pixels: UnsafePointer<Float>, batch: Int, _ buffers: Activations, _ kernels: Kernels = .best
    ) {
        let width = shape.transformer.width
        let patchCount = shape.grid.rows * shape.grid.columns
        let patchSize = 3 * shape.patch * shape.patch
        let leading = shape.sequence - patchCount
        for item in 0..<batch {
            let patches = buffers.patches.pointer + item * patchCount * patchSize  // [patchCount, patchSize]
            unfold(pixels + item * 3 * shape.height * shape.width, into: patches)
            let tokens = buffers.x.pointer + item * shape.sequence * width  // [sequence, width]
            tokens.update(from: positions.pointer, count: shape.sequence * width)
            for j in 0..<width { tokens[j] += classToken.pointer[j] }
            if let uncertaintyToken {
                for j in 0..<width { tokens[width + j] += uncertaintyToken.pointer[j] }
            }
            BLAS.multiply(
                m: patchCount, n: width, k: patchSize, patches, lda: patchSize, patchEmbedding.pointer, ldb: patchSize,
                transposed: true, adds: true, into: tokens + leading * width, ldc: width, buffers.lane.scratch, kernels)
        }
    }

    /// pixels [3, height, width] -> out [rows * columns, 3 * patch * patch]: patches row by row, inside (channel, y, x).
    private func unfold(_ pixels: UnsafePointer<Float>, into out: Rows) {
        let patch = shape.patch
        var target = out
        for row in 0..<shape.grid.rows {
            for column in 0..<shape.grid.columns {
                for channel in 0..<3 {
                    for y in 0..<patch {
                        let source = (channel * shape.height + row * patch + y) * shape.width + column * patch
                        target.update(from: pixels + source, count: patch)
                        target += patch
                    }
                }
            }
        }
    }
}
