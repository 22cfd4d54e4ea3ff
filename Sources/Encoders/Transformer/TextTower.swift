// Token ids to Gaussians: ProLIP's text transformer with an uncertainty and a class token at the end.
import CKernels
import Gaussians

/// The text tower: weights and their forward pass.
/// - SeeAlso: `TextTransformer` in naver-ai/prolip; shared fixtures, `PROLIP.md` section 4
package struct TextTower: Sendable {
    package let shape: TextTowerConfiguration
    package let dimension: Int
    let tokenEmbedding: Tensor  // token_embedding.weight [vocabulary, width], widened row by row
    let positions: FloatTensor  // positional_embedding [contextLength + extra, width]
    let classToken: FloatTensor  // cls_emb [width]
    let uncertaintyToken: FloatTensor?  // unc_emb [width]
    package let blocks: [Block]
    package let finalNorm: LayerNorm  // ln_final
    package let projection: Projection
    package let uncertaintyProjection: Linear?  // text_uncertainty_projection [D, D]

    /// The two forms of `text_projection`.
    package enum Projection: Sendable {
        case linear(Linear)  // weight [D, width], bias [D]
        case matrix(FloatTensor)  // [width, D]
    }

    /// Takes the tower's tensors out of a checkpoint; the blocks compute their products in `precision`.
    /// - Throws: `PrecisionError`, `SafetensorsError` naming file, tensor, got and expected.
    package init(
        _ checkpoint: inout Checkpoint, _ shape: TextTowerConfiguration, dimension: Int, precision: Precision = .f32
    ) throws {
        let width = shape.transformer.width
        self.shape = shape
        self.dimension = dimension
        tokenEmbedding = try checkpoint.raw("text.token_embedding.weight", [shape.vocabularySize, width])
        positions = try checkpoint.tensor(
            "text.positional_embedding", [shape.contextLength + shape.extraTokens, width])
        classToken = try checkpoint.tensor("text.cls_emb", [width])
        uncertaintyToken = shape.hasUncertainty ? try checkpoint.tensor("text.unc_emb", [width]) : nil
        blocks = try Block.all(&checkpoint, "text", shape.transformer, precision)
        finalNorm = try LayerNorm(&checkpoint, "text.ln_final", width: width, eps: shape.transformer.eps)
        projection =
            shape.projectionHasBias
            ? .linear(try Linear(&checkpoint, "text.text_projection", inputs: width, outputs: dimension))
            : .matrix(try checkpoint.tensor("text.text_projection", [width, dimension]))
        uncertaintyProjection =
            shape.hasUncertainty
            ? try Linear(&checkpoint, "text.text_uncertainty_projection", inputs: dimension, outputs: dimension) : nil
        try checkpoint.finish(prefix: "text.")
    }

    /// Scratch memory for batches of at most `batch` texts.
    package func activations(batch: Int) -> Activations {
        Activations(
            shape.transformer, batch: batch, sequence: shape.contextLength + shape.extraTokens, dimension: dimension,
            patches: 0, pixels: 0)
    }

    /// ids [batch, length] -> `buffers.means` [batch, D] raw, `buffers.logVariances` [batch, D].
    ///
    /// Pads are attended to as any token: there is no mask, so the padded length matters.
    /// - Parameters:
    ///   - ids: token ids, row-major.
    ///   - batch: number of texts, at most the buffers' batch.
    ///   - buffers: scratch memory; receives the results.
    ///   - kernels: the instruction set.
    /// - Throws: `TokenRangeError` for an id outside the vocabulary; `SafetensorsError` as `Tensor.widen`.
    /// - Precondition: `ids.count` is `batch` times a length of at most the context length.
    package func forward(_ ids: [Int32], batch: Int, _ buffers: Activations, _ kernels: Kernels = .best) throws {
        precondition(batch <= buffers.batch && batch > 0 && ids.count % batch == 0)
        let length = ids.count / batch
        precondition(length <= shape.contextLength)
        let width = shape.transformer.width
        let sequence = length + shape.extraTokens
        let x = buffers.x.pointer  // [batch * sequence, width]

        try embed(ids, batch: batch, buffers)
        for block in blocks {
            block.forward(x, batch: batch, sequence: sequence, buffers, kernels)
        }

        for item in 0..<batch {
            let last = x + (item * sequence + sequence - 1) * width  // the class token, [width]
            let mean = buffers.means.pointer + item * dimension  // [D]
            finalNorm.forward(last, rows: 1, into: last, kernels)
            switch projection {
            case .linear(let linear):
                linear.forward(last, rows: 1, into: mean, buffers.lane, kernels)
            case .matrix(let matrix):
                BLAS.multiply(
                    m: 1, n: dimension, k: width, last, lda: width, matrix.pointer, ldb: dimension, transposed: false,
                    into: mean, ldc: dimension, buffers.lane.scratch, kernels)
            }
            // From the projected mean, not yet normalised: the uncertainty token only speaks through attention.
            uncertaintyProjection?.forward(
                mean, rows: 1, into: buffers.logVariances.pointer + item * dimension, buffers.lane, kernels)
        }
    }

    /// ids [batch, length] -> `buffers.x` [batch * (length + extra), width]: tokens with positions.
    package func embed(_ ids: [Int32], batch: Int, _ buffers: Activations) throws {
        let width = shape.transformer.width
        let length = ids.count / batch
        let sequence = length + shape.extraTokens
        for item in 0..<batch {
            let tokens = buffers.x.pointer + item * sequence * width  // [sequence, width]: text, uncertainty, class
            for position in 0..<length {
                let id = Int(ids[item * length + position])
                guard (0..<shape.vocabularySize).contains(id) else {
                    throw TokenRangeError(id: id, vocabularySize: shape.vocabularySize)
                }
                try tokenEmbedding.widen(rows: id..<(id + 1), rowLength: width, into: tokens + position * width)
            }
            if let uncertaintyToken {
                (tokens + length * width).update(from: uncertaintyToken.pointer, count: width)
            }
            (tokens + (sequence - 1) * width).update(from: classToken.pointer, count: width)
            for j in 0..<(sequence * width) { tokens[j] += positions.pointer[j] }
        }
    }
}

/// A token id outside the model's vocabulary: the tokenizer belongs to another model.
package struct TokenRangeError: Error, CustomStringConvertible, Equatable {
    package let id: Int
    package let vocabularySize: Int
    package var description: String {
        "got token id \(id), expected one below the model's vocab_size (\(vocabularySize)): "
            + "the tokenizer belongs to another model"
    }
}
