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
        _ buffers: Activations, _ kernels: Kernels
    ) {
        switch weight {
        case .float(let weight):
            BLAS.multiply(
                m: rows, n: outputs, k: inputs, x, lda: stride ?? inputs, weight.pointer, ldb: inputs, transposed: true,
                adds: adds, into: out, ldc: outputs, buffers.scratch, kernels)
        case .half(let weight):
            weight.multiply(x, rows: rows, stride: stride ?? inputs, adds: adds, into: out, buffers, kernels)
        }
    }

    /// x [rows, inputs] -> out [rows, outputs].
    package func forward(
        _ x: UnsafePointer<Float>, rows: Int, stride: Int? = nil, into out: Rows, _ buffers: Activations,
        _ kernels: Kernels
    ) {
        product(x, rows: rows, stride: stride, into: out, buffers, kernels)
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
        let rows = batch * sequence
        let headSize = width / heads
        let qkv = buffers.qkv.pointer  // [rows, 3 * width]
        let attention = buffers.attention.pointer  // [sequence, sequence], one head at a time
        inProjection.forward(x, rows: rows, into: qkv, buffers, kernels)
        for item in 0..<batch {
            for head in 0..<heads {
                // q, k, v: [sequence, headSize], rows 3 * width apart
                let q = qkv + item * sequence * 3 * width + head * headSize
                BLAS.multiply(
                    m: sequence, n: sequence, k: headSize, q, lda: 3 * width, q + width, ldb: 3 * width,
                    transposed: true, into: attention, ldc: sequence, buffers.scratch, kernels)
                kernels.table.pointee.softmax_rows_f32(
                    attention, 1 / Float(headSize).squareRoot(), sequence, sequence, sequence)
                BLAS.multiply(
                    m: sequence, n: headSize, k: sequence, attention, lda: sequence, q + 2 * width, ldb: 3 * width,
                    transposed: false, into: buffers.mixed.pointer + item * sequence * width + head * headSize,
                    ldc: width, buffers.scratch, kernels)
            }
        }
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
    package func forward(_ x: Rows, batch: Int, sequence: Int, _ buffers: Activations, _ kernels: Kernels) {
        let rows = batch * sequence
        norm1.forward(x, rows: rows, into: buffers.normed.pointer, kernels)
        attention.mix(buffers.normed.pointer, batch: batch, sequence: sequence, buffers, kernels)
        attention.outProjection.addBranch(buffers.mixed.pointer, rows: rows, to: x, scale1, buffers, kernels)
        norm2.forward(x, rows: rows, into: buffers.normed.pointer, kernels)
        hidden(buffers.normed.pointer, rows: rows, into: buffers.hidden.pointer, buffers, kernels)
        contract.addBranch(buffers.hidden.pointer, rows: rows, to: x, scale2, buffers, kernels)
    }

    /// The MLP's hidden layer, activated: x [rows, width] -> out [rows, mlpWidth].
    package func hidden(
        _ x: UnsafePointer<Float>, rows: Int, into out: Rows, _ buffers: Activations, _ kernels: Kernels
    ) {
        expand.product(x, rows: rows, into: out, buffers, kernels)
        let activate = quickGELU ? kernels.table.pointee.bias_quick_gelu_f32 : kernels.table.pointee.bias_gelu_f32
        activate(out, expand.bias.pointer, rows, expand.outputs)
    }
}

extension Linear {
    /// to += gamma * (x @ weight^T + bias), gamma = 1 where there is no LayerScale: x [rows, inputs], to [rows, outputs].
    fileprivate func addBranch(
        _ x: UnsafePointer<Float>, rows: Int, to: Rows, _ gamma: FloatTensor?, _ buffers: Activations,
        _ kernels: Kernels
    ) {
        guard let gamma else {
            product(x, rows: rows, adds: true, into: to, buffers, kernels)
            kernels.table.pointee.add_bias_f32(to, bias.pointer, rows, outputs)
            return
        }
        product(x, rows: rows, into: buffers.normed.pointer, buffers, kernels)  // normed is free by now
        kernels.table.pointee.add_scaled_f32(to, buffers.normed.pointer, bias.pointer, gamma.pointer, rows, outputs)
    }
}
