// Small models, one architecture option each, against float64 outputs that were computed without any of our code.
import Encoders
import Gaussians
import TestSupport
import Testing

@Suite struct TowerOptionTests {
    static let options = [
        "layerscale", "no-ln-pre", "proj-matrix", "rectangle", "eps", "heads", "mlp-ratio", "points", "picture-points",
        "no-logit", "bf16", "mixed",
    ]
    /// Which towers of which models give points.
    static let pointTowers = ["points": ["image", "text"], "picture-points": ["image"]]

    /// One model's towers and what they must give.
    struct Option {
        let image: ImageTower
        let text: TextTower
        let configuration: ModelConfiguration
        let goldens: Goldens

        init(_ name: String) throws {
            let folder = Fixtures.path("models/options-\(name)")
            configuration = try ModelConfiguration(MappedFile(path: "\(folder)/config.json"))
            var checkpoint = Checkpoint(try Safetensors(path: "\(folder)/model.safetensors"))
            image = try ImageTower(&checkpoint, configuration.image, dimension: configuration.dimension)
            text = try TextTower(&checkpoint, configuration.text, dimension: configuration.dimension)
            goldens = try Goldens("expected/options-\(name).safetensors")
        }

        /// Compares the first `batch` rows of what a tower wrote with the goldens.
        func expect(
            _ kind: String, batch: Int, _ buffers: Activations, isPoint: Bool,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let count = batch * configuration.dimension
            let means = try goldens.doubles("\(kind).mean_f64").prefix(count)
            #expect(means.count == count, sourceLocation: sourceLocation)
            #expect(TowerTests.worst(buffers.means, Array(means)) < 1e-5, sourceLocation: sourceLocation)
            let key = "\(kind).logvar_f64"
            #expect((goldens.file.tensors[key] == nil) == isPoint, sourceLocation: sourceLocation)
            guard !isPoint else { return }
            let expected = Array(try goldens.doubles(key).prefix(count))
            #expect(TowerTests.worst(buffers.logVariances, expected) < 1e-5, sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: options, Kernels.names) func images(name: String, level: String) throws {
        guard let kernels = Kernels.named(level) else { return }
        let option = try Option(name)
        let isPoint = Self.pointTowers[name, default: []].contains("image")
        #expect(option.configuration.image.hasUncertainty == !isPoint)
        let pixels = try option.goldens.floats("image.pixels")
        let buffers = option.image.activations(batch: 4)
        for batch in [1, 3] {
            option.image.forward(pixels, batch: batch, buffers, kernels)
            try option.expect("image", batch: batch, buffers, isPoint: isPoint)
        }
    }

    @Test(arguments: options, Kernels.names) func texts(name: String, level: String) throws {
        guard let kernels = Kernels.named(level) else { return }
        let option = try Option(name)
        let isPoint = Self.pointTowers[name, default: []].contains("text")
        #expect(option.configuration.text.hasUncertainty == !isPoint)
        let buffers = option.text.activations(batch: 5)
        for kind in ["text", "short.text"] {
            let ids = try option.goldens.integers("\(kind).ids")
            let shape = try option.goldens.shape("\(kind).ids")
            for batch in [1, shape[0]] {
                try option.text.forward(Array(ids.prefix(batch * shape[1])), batch: batch, buffers, kernels)
                try option.expect(kind, batch: batch, buffers, isPoint: isPoint)
            }
        }
    }

    @Test(arguments: options) func modelsOpenAndSayWhatTheyAre(name: String) throws {
        let model = try Model(folder: Fixtures.path("models/options-\(name)"))
        #expect(model.isPointModel == (Self.pointTowers[name] != nil))
        #expect(model.hasBias == (name != "no-logit"))
        #expect(model.matchScale.bias == (name == "no-logit" ? 0 : -10))
        let scale = name == "no-logit" ? 1 : 12.182493960703473  // exp(2.5)
        #expect(abs(model.matchScale.scale - scale) < 1e-12)
    }

    @Test func picturesOfAModelWithoutUncertaintyArePoints() throws {
        for name in ["points", "picture-points"] {
            let model = try Model(folder: Fixtures.path("models/options-\(name)"))
            let gaussian = try model.encode(pictureAt: Fixtures.path("images/src/jpg_tiny_20x15.jpg"))
            #expect(gaussian.isPoint)
            #expect(gaussian.logVariance == [Float](repeating: -.infinity, count: model.dimension))
            let length = gaussian.mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(length - 1) < 1e-6)
        }
    }

    @Test func theOptionsAreReadAsConfigured() throws {
        func configuration(_ name: String) throws -> ModelConfiguration { try Option(name).configuration }
        let heads = try configuration("heads")
        #expect(heads.image.transformer.heads == 3)  // 30 / 9, rounded down; the head size is 10, not 9
        #expect(heads.text.transformer.heads == 5)
        let ratio = try configuration("mlp-ratio")
        #expect(ratio.image.transformer.mlpWidth == 69)
        #expect(ratio.text.transformer.mlpWidth == 41)
        let eps = try configuration("eps")
        #expect(eps.image.transformer.eps == 0.05)
        #expect(eps.text.transformer.eps == 0.003)
        let rectangle = try configuration("rectangle").image
        #expect(rectangle.height == 21 && rectangle.width == 34)
        #expect(rectangle.grid == (2, 4))
        #expect(rectangle.sequence == 10)
        let points = try configuration("points")
        #expect(points.text.transformer.width == 24 && points.dimension == 20)
        #expect(points.text.extraTokens == 1)
    }

    @Test func theMixedModelHoldsFloatsThatAreNotAligned() throws {
        let tensors = try Safetensors(path: Fixtures.path("models/options-mixed/model.safetensors")).tensors.values
        let unaligned = tensors.filter { $0.type == .f32 && Int(bitPattern: $0.bytes.baseAddress) % 4 != 0 }
        #expect(!unaligned.isEmpty)
        #expect(tensors.contains { $0.type == .f16 })
    }
}
