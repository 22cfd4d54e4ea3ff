// The layers of both towers, named as the checkpoint names them: each turns rows of activations into rows.
import CKernels
import Gaussians

/// Activations: row-major floats owned by a worker.
package typealias Rows = UnsafeMutablePointer<Float>

/// LayerNorm with biased variance.
package struct LayerNorm: Sendable {
    let weight: FloatTensor  // [width]
    let bias: FloatTensor  // [width]
    let eps: Float

    package init(_ checkpoint: inout Checkpoint, _ key: String, width: Int, eps: Float) throws {
        weight = try checkpoint.tensor("\(key).weight", [width])
        bias = try checkpoint.tensor("\(key).bias", [width])
        self.eps = eps
    }

    /// x [rows, width] -> out [rows, width]; out may be x.
    package func forward(_ x: UnsafePointer<Float>, rows: Int, into out: Rows, _ kernels: Kernels) {
        kernels.table.pointee.layer_norm_f32(x, weight.pointer, bias.pointer, eps, rows, weight.count, out)
    }
}

/// x @ weight^T + bias.
package struct Linear: Sendable {
    private enum Weight: Sendable {  // [outputs, inputs]
        case float(FloatTensor)
        case half(BFloat16Weights)
    }
    private let weight: Weight
    let bias: FloatTensor  // [outputs]
    package let inputs: Int
    package let outputs: Int

    /// Takes a layer out of a checkpoint; `precision` is what its product is computed with.
    package init(
        _ checkpoint: inout Checkpoint, weight: String, bias: String, inputs: Int, outputs: Int,
        precision: Precision = .f32
    ) throws {
        let values = try checkpoint.tensor(weight, [outputs, inputs])
        self.weight = precision == .f32 ? .float(values) : .half(try BFloat16Weights(values))
        self.bias = try checkpoint.tensor(bias, [outputs])
        self.inputs = inputs
        self.outputs = outputs
    }

    package init(
        _ checkpoint: inout Checkpoint, _ key: String, inputs: Int, outputs: Int, precision: Precision = .f32
    ) throws {
        try self.init(
            &checkpoint, weight: "\(key).weight", bias: "\(key).bias", inputs: inputs, outputs: outputs,
            precision: precision)
    }

    /// x [rows, inputs] -> out [rows, outputs], the bias left to the caller, who fuses it with what follows.
    ///
    /// `stride` is elements between rows of x; with `adds` the product is added to what is there.
    package func product(
        _ x: UnsafePointer<Float>, rows: Int, stride: Int? = nil, adds: Bool = false, into out: Rows,
        _ lane: Lane, _ kernels: Kernels
    ) {
        switch weight {
        case .float(let weight):
            BLAS.multiply(
                m: rows, n: outputs, k: inputs, x, lda: stride ?? inputs, weight.pointer, ldb: inputs, transposed: true,
                adds: adds, into: out, ldc: outputs, lane.scratch, kernels)
        case .half(let weight):
            weight.multiply(x, rows: rows, stride: stride ?? inputs, adds: adds, into: out, lane, kernels)
        }
    }

    /// x [rows, inputs] -> out [rows, outputs].
    package func forward(
        _ x: UnsafePointer<Float>, rows: Int, stride: Int? = nil, into out: Rows, _ lane: Lane, _ kernels: Kernels
    ) {
        product(x, rows: rows, stride: stride, into: out, lane, kernels)
        kernels.table.pointee.add_bias_f32(out, bias.pointer, rows, outputs)
    }
}

/// Multi-head self-attention without mask: torch's MultiheadAttention.
package struct Attention: Sendable {
    let inProjection: Linear  // in_proj: rows are q | k | v
    package let outProjection: Linear
    let heads: Int
    var width: Int { outProjection.outputs }

    package init(
        _ checkpoint: inout Checkpoint, _ key: String, width: Int, heads: Int, precision: Precision
    ) throws {
        inProjection = try Linear(
            &checkpoint, weight: "\(key).in_proj_weight", bias: "\(key).in_proj_bias", inputs: width,
            outputs: 3 * width, precision: precision)
        outProjection = try Linear(
            &checkpoint, "\(key).out_proj", inputs: width, outputs: width, precision: precision)
        self.heads = heads
    }

    /// x [batch * sequence, width] -> `buffers.mixed` [batch * sequence, width], before the output projection.
    package func mix(
        _ x: UnsafePointer<Float>, batch: Int, sequence: Int, _ buffers: Activations, _ kernels: Kernels
    ) {
        let width = width
        buffers.share(batch * sequence) { lane, rows in
            let out = buffers.qkv.pointer + rows.lowerBound * 3 * width
            inProjection.forward(x + rows.lowerBound * width, rows: rows.count, into: out, lane, kernels)
        }
        buffers.share(batch * heads) { lane, numbers in
            for number in numbers {
                let (item, head) = number.quotientAndRemainder(dividingBy: heads)
                mix(item: item, head: head, sequence: sequence, buffers, lane, kernels)
            }
        }
    }

    /// One head of one item: `buffers.qkv` -> its columns of `buffers.mixed`.
    private func mix(
        item: Int, head: Int, sequence: Int, _ buffers: Activations, _ lane: Lane, _ kernels: Kernels
    ) {
        let headSize = width / heads
        let attention = lane.attention.pointer  // [sequence, sequence]
        // q, k, v: [sequence, headSize], rows 3 * width apart
        let q = buffers.qkv.pointer + item * sequence * 3 * width + head * headSize
        BLAS.multiply(
            m: sequence, n: sequence, k: headSize, q, lda: 3 * width, q + width, ldb: 3 * width,
            transposed: true, into: attention, ldc: sequence, lane.scratch, kernels)
        kernels.table.pointee.softmax_rows_f32(
            attention, 1 / Float(headSize).squareRoot(), sequence, sequence, sequence)
        BLAS.multiply(
            m: sequence, n: headSize, k: sequence, attention, lda: sequence, q + 2 * width, ldb: 3 * width,
            transposed: false, into: buffers.mixed.pointer + item * sequence * width + head * headSize,
            ldc: width, lane.scratch, kernels)
    }
}

/// A pre-norm transformer block: x += ls_1(attn(ln_1 x)); x += ls_2(mlp(ln_2 x)).
package struct Block: Sendable {
    package let norm1: LayerNorm
    package let attention: Attention
    package let scale1: FloatTensor?  // ls_1.gamma [width]
    package let norm2: LayerNorm
    package let expand: Linear  // mlp.c_fc
    package let contract: Linear  // mlp.c_proj
    package let scale2: FloatTensor?  // ls_2.gamma [width]
    package let quickGELU: Bool

    package init(
        _ checkpoint: inout Checkpoint, _ key: String, _ shape: TransformerConfiguration, _ precision: Precision
    ) throws {
        let width = shape.width
        norm1 = try LayerNorm(&checkpoint, "\(key).ln_1", width: width, eps: shape.eps)
        attention = try Attention(&checkpoint, "\(key).attn", width: width, heads: shape.heads, precision: precision)
        norm2 = try LayerNorm(&checkpoint, "\(key).ln_2", width: width, eps: shape.eps)
        expand = try Linear(
            &checkpoint, "\(key).mlp.c_fc", inputs: width, outputs: shape.mlpWidth, precision: precision)
        contract = try Linear(
            &checkpoint, "\(key).mlp.c_proj", inputs: shape.mlpWidth, outputs: width, precision: precision)
        scale1 = shape.hasLayerScale ? try checkpoint.tensor("\(key).ls_1.gamma", [width]) : nil
        scale2 = shape.hasLayerScale ? try checkpoint.tensor("\(key).ls_2.gamma", [width]) : nil
        quickGELU = shape.quickGELU
    }

    /// All blocks of a tower.
    package static func all(
        _ checkpoint: inout Checkpoint, _ key: String, _ shape: TransformerConfiguration, _ precision: Precision
    ) throws -> [Block] {
        var blocks: [Block] = []
        for layer in 0..<shape.layers {
            blocks.append(try Block(&checkpoint, "\(key).transformer.resblocks.\(layer)", shape, precision))
        }
        return blocks
    }

    /// x [batch * sequence, width], in place.
    ///
    /// Threads meet where a row needs the others: before and after attention.
    package func forward(_ x: Rows, batch: Int, sequence: Int, _ buffers: Activations, _ kernels: Kernels) {
        let width = norm1.weight.count
        let rows = batch * sequence
        norm1.forward(x, rows: rows, into: buffers.normed.pointer, kernels)
        attention.mix(buffers.normed.pointer, batch: batch, sequence: sequence, buffers, kernels)
        buffers.share(rows) { lane, rows in
            let (x, first, count) = (x + rows.lowerBound * width, rows.lowerBound, rows.count)
            let normed = buffers.normed.pointer + first * width  // [count, width]
            let mixed = buffers.mixed.pointer + first * width  // [count, width]
            let hidden = buffers.hidden.pointer + first * expand.outputs  // [count, mlpWidth]
            attention.outProjection.addBranch(mixed, rows: count, to: x, scale1, branch: normed, lane, kernels)
            norm2.forward(x, rows: count, into: normed, kernels)
            self.hidden(normed, rows: count, into: hidden, lane, kernels)
            contract.addBranch(hidden, rows: count, to: x, scale2, branch: normed, lane, kernels)
        }
    }

    /// The MLP's hidden layer, activated: x [rows, width] -> out [rows, mlpWidth].
    package func hidden(
        _ x: UnsafePointer<Float>, rows: Int, into out: Rows, _ lane: Lane, _ kernels: Kernels
    ) {
        expand.product(x, rows: rows, into: out, lane, kernels)
        let activate = quickGELU ? kernels.table.pointee.bias_quick_gelu_f32 : kernels.table.pointee.bias_gelu_f32
        activate(out, expand.bias.pointer, rows, expand.outputs)
    }
}

extension Linear {
    /// to += gamma * (x @ weight^T + bias), gamma = 1 where there is no LayerScale: x [rows, inputs], to [rows, outputs].
    ///
    /// `branch` [rows, outputs] is overwritten.
    fileprivate func addBranch(
        _ x: UnsafePointer<Float>, rows: Int, to: Rows, _ gamma: FloatTensor?, branch: Rows, _ lane: Lane,
        _ kernels: Kernels
    ) {
        guard let gamma else {
            product(x, rows: rows, adds: true, into: to, lane, kernels)
            kernels.table.pointee.add_bias_f32(to, bias.pointer, rows, outputs)
            return
        }
        product(x, rows: rows, into: branch, lane, kernels)
        kernels.table.pointee.add_scaled_f32(to, branch, bias.pointer, gamma.pointer, rows, outputs)
    }
}
