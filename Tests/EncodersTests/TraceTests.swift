// Layer by layer against the official code: each is fed the official output of the layer before.
import Encoders
import Gaussians
import TestSupport
import Testing

@Suite struct TraceTests {
    static let models = ["nano", "nano-quickgelu"]
    static let tolerance = 1e-5

    /// One model with the activations of its image 0 and text 2.
    struct Trace {
        let towers: TowerTests.Loaded
        let weights: Safetensors
        let goldens: Goldens
        let activations: Goldens
        let kernels: Kernels

        init?(_ model: String, _ level: String) throws {
            guard let kernels = Kernels.named(level) else { return nil }
            self.kernels = kernels
            towers = try TowerTests.Loaded(model)
            weights = try Safetensors(path: Fixtures.path("models/\(model)/model.safetensors"))
            goldens = try Goldens("expected/\(model).safetensors")
            activations = try Goldens("expected/\(model).trace.safetensors")
        }

        var pixels: [Float] {
            get throws {
                Array(
                    try goldens.floats("image.pixels").prefix(3 * towers.image.shape.height * towers.image.shape.width))
            }
        }

        var ids: [Int32] {
            get throws {
                let length = towers.text.shape.contextLength
                return Array(try goldens.integers("text.ids")[(2 * length)..<(3 * length)])
            }
        }

        /// An official activation.
        func golden(_ name: String) throws -> [Float] { try activations.floats(name) }

        /// A weight as the file holds it.
        func weight(_ key: String) throws -> [Float] { try FloatTensor(#require(weights.tensors[key])).values }

        /// Fails unless what `body` writes is the official activation of that name.
        func expect(
            _ name: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: (Rows) throws -> Void
        ) throws {
            let expected = try golden(name)
            let buffer = FloatBuffer(count: expected.count)
            buffer.pointer.initialize(repeating: .nan, count: expected.count)
            try body(buffer.pointer)
            let got = Array(UnsafeBufferPointer(start: buffer.pointer, count: buffer.count))
            try expect(name, got, sourceLocation: sourceLocation)
        }

        /// Fails unless `got` is the official activation of that name.
        func expect(
            _ name: String, _ got: some Collection<Float>, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let expected = try golden(name)
            #expect(got.count == expected.count, "\(name)", sourceLocation: sourceLocation)
            // A NaN is no difference to `max`, so each element must be close.
            let isClose = zip(got, expected).allSatisfy { Double(abs($0 - $1)) < tolerance }
            let worst = zip(got, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(isClose, "\(name) is off by \(worst)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: models, Kernels.names) func imageBlocks(model: String, level: String) throws {
        guard let trace = try Trace(model, level) else { return }
        let tower = trace.towers.image
        try Self.blocks(
            trace, "visual", tower.blocks, tower.activations(batch: 1), input: try trace.golden("visual.ln_pre"))
    }

    @Test(arguments: models, Kernels.names) func textBlocks(model: String, level: String) throws {
        guard let trace = try Trace(model, level) else { return }
        let tower = trace.towers.text
        let buffers = tower.activations(batch: 1)
        try tower.embed(trace.ids, batch: 1, buffers)
        // The embedding's own golden lacks the two tokens at the end; block 0's first norm sees them all.
        let embedded = Array(UnsafeBufferPointer(start: buffers.x.pointer, count: buffers.x.count))
        try Self.blocks(trace, "text", tower.blocks, buffers, input: embedded)
    }

    /// Every layer of every block, each fed the official output of the one before; `input` is what block 0 takes.
    static func blocks(
        _ trace: Trace, _ prefix: String, _ blocks: [Block], _ buffers: Activations, input: [Float]
    ) throws {
        let kernels = trace.kernels
        var x = input  // [sequence, width]
        for (layer, block) in blocks.enumerated() {
            let name = "\(prefix).transformer.resblocks.\(layer)"
            let rows = x.count / block.contract.outputs
            try trace.expect("\(name).ln_1") { block.norm1.forward(x, rows: rows, into: $0, kernels) }
            let normed = try trace.golden("\(name).ln_1")
            try trace.expect("\(name).attn") { out in
                block.attention.mix(normed, batch: 1, sequence: rows, buffers, kernels)
                block.attention.outProjection.forward(
                    buffers.mixed.pointer, rows: rows, into: out, buffers.lane, kernels)
            }
            let attended = zip(x, try trace.golden("\(name).attn")).map(+)
            try trace.expect("\(name).ln_2") { block.norm2.forward(attended, rows: rows, into: $0, kernels) }
            let second = try trace.golden("\(name).ln_2")
            try trace.expect("\(name).mlp.c_fc") {
                block.expand.forward(second, rows: rows, into: $0, buffers.lane, kernels)
            }
            try trace.expect("\(name).mlp.gelu") { block.hidden(second, rows: rows, into: $0, buffers.lane, kernels) }
            let hidden = try trace.golden("\(name).mlp.gelu")
            try trace.expect("\(name).mlp") {
                block.contract.forward(hidden, rows: rows, into: $0, buffers.lane, kernels)
            }
            try trace.expect(name) { out in
                out.update(from: x, count: x.count)
                block.forward(out, batch: 1, sequence: rows, buffers, kernels)
            }
            x = try trace.golden(name)
        }
    }

    @Test(arguments: models, Kernels.names) func imageEnds(model: String, level: String) throws {
        guard let trace = try Trace(model, level) else { return }
        let tower = trace.towers.image
        let width = tower.shape.transformer.width
        let sequence = tower.shape.sequence
        let buffers = tower.activations(batch: 1)
        tower.embed(try trace.pixels, batch: 1, buffers)
        let embedded = Array(UnsafeBufferPointer(start: buffers.x.pointer, count: sequence * width))
        let tokens = zip(embedded, try trace.weight("visual.positional_embedding")).map(-)
        let patches = sequence - 2
        // conv1 is [width, rows, columns]; tokens are [2 + rows * columns, width].
        try trace.expect(
            "visual.conv1", (0..<(width * patches)).map { tokens[(2 + $0 % patches) * width + $0 / patches] })

        let preNorm = try #require(tower.preNorm)
        try trace.expect("visual.ln_pre") { preNorm.forward(embedded, rows: sequence, into: $0, trace.kernels) }
        let last = try trace.golden("visual.transformer.resblocks.\(tower.blocks.count - 1)")
        try trace.expect("visual.ln_post") { tower.postNorm.forward(last, rows: sequence, into: $0, trace.kernels) }
        let normed = try trace.golden("visual.ln_post")
        try trace.expect("visual.ln_post'") { tower.postNorm.forward(normed, rows: 1, into: $0, trace.kernels) }
        let uncertainty = try #require(tower.uncertaintyProjection)
        let token = Array(normed[width..<(2 * width)])
        try trace.expect("visual.uncertainty_proj") {
            uncertainty.forward(token, rows: 1, into: $0, buffers.lane, trace.kernels)
        }
    }

    @Test(arguments: models, Kernels.names) func textEnds(model: String, level: String) throws {
        guard let trace = try Trace(model, level) else { return }
        let tower = trace.towers.text
        let width = tower.shape.transformer.width
        let length = tower.shape.contextLength
        let buffers = tower.activations(batch: 1)
        try tower.embed(trace.ids, batch: 1, buffers)
        let embedded = UnsafeBufferPointer(start: buffers.x.pointer, count: (length + 2) * width)
        let tokens = zip(embedded, try trace.weight("text.positional_embedding")).map(-)
        try trace.expect("text.token_embedding", tokens[..<(length * width)])
        let expected = try trace.weight("text.unc_emb") + trace.weight("text.cls_emb")
        #expect(zip(tokens[(length * width)...], expected).allSatisfy { abs($0 - $1) < 1e-6 })

        let last = try trace.golden("text.transformer.resblocks.\(tower.blocks.count - 1)")
        let token = Array(last.suffix(width))
        try trace.expect("text.ln_final") { tower.finalNorm.forward(token, rows: 1, into: $0, trace.kernels) }
        guard case .linear(let projection) = tower.projection else {
            Issue.record("the projection has a bias")
            return
        }
        let normed = try trace.golden("text.ln_final")
        try trace.expect("text.text_projection") {
            projection.forward(normed, rows: 1, into: $0, buffers.lane, trace.kernels)
        }
        let uncertainty = try #require(tower.uncertaintyProjection)
        let mean = try trace.golden("text.text_projection")
        try trace.expect("text.text_uncertainty_projection") {
            uncertainty.forward(mean, rows: 1, into: $0, buffers.lane, trace.kernels)
        }
    }
}
