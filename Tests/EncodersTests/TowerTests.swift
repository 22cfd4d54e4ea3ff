// Both towers against the official code's outputs and activations.
import CKernels
import Encoders
import Foundation
import Gaussians
import TestSupport
import Testing

@Suite struct TowerTests {
    static let models = ["nano", "nano-fp16", "nano-quickgelu"]

    struct Loaded {
        let configuration: ModelConfiguration
        let image: ImageTower
        let text: TextTower

        init(_ name: String) throws {
            configuration = try ModelConfiguration(MappedFile(path: Fixtures.path("models/\(name)/config.json")))
            var checkpoint = Checkpoint(try Safetensors(path: Fixtures.path("models/\(name)/model.safetensors")))
            image = try ImageTower(&checkpoint, configuration.image, dimension: configuration.dimension)
            text = try TextTower(&checkpoint, configuration.text, dimension: configuration.dimension)
            #expect(throws: SafetensorsError.self) { try checkpoint.finish(prefix: "") }
            _ = try checkpoint.scalar("logit_scale")
            _ = try checkpoint.scalar("logit_bias")
            try checkpoint.finish(prefix: "")
        }
    }

    /// The largest difference between what a buffer holds and a golden; infinite where either is no number.
    static func worst(_ got: FloatBuffer, _ expected: [Double]) -> Double {
        guard !expected.isEmpty, got.count >= expected.count else { return .infinity }
        return withExtendedLifetime(got) {
            expected.enumerated().reduce(0) {
                let difference = abs(Double(got.pointer[$1.offset]) - $1.element)
                return difference.isNaN ? .infinity : max($0, difference)
            }
        }
    }

    @Test(arguments: models, Kernels.names) func images(model: String, level: String) throws {
        guard let kernels = Kernels.named(level) else { return }
        let towers = try Loaded(model)
        let goldens = try Goldens("expected/\(model).safetensors")
        let pixels = try goldens.floats("image.pixels")
        let buffers = towers.image.activations(batch: 4)
        towers.image.forward(pixels, batch: 3, buffers, kernels)
        #expect(Self.worst(buffers.means, try goldens.doubles("image.mean_f64")) < 1e-5)
        #expect(Self.worst(buffers.logVariances, try goldens.doubles("image.logvar_f64")) < 1e-5)
    }

    @Test(arguments: models, Kernels.names) func texts(model: String, level: String) throws {
        guard let kernels = Kernels.named(level) else { return }
        let towers = try Loaded(model)
        let goldens = try Goldens("expected/\(model).safetensors")
        for prefix in ["text", "short.text"] where goldens.file.tensors["\(prefix).ids"] != nil {
            let ids = try goldens.integers("\(prefix).ids")
            let batch = try goldens.shape("\(prefix).ids")[0]
            let buffers = towers.text.activations(batch: batch)
            try towers.text.forward(ids, batch: batch, buffers, kernels)
            #expect(Self.worst(buffers.means, try goldens.doubles("\(prefix).mean_f64")) < 1e-5)
            #expect(Self.worst(buffers.logVariances, try goldens.doubles("\(prefix).logvar_f64")) < 1e-5)
        }
    }

    @Test func aBatchGivesWhatSinglesGive() throws {
        let towers = try Loaded("nano")
        let goldens = try Goldens("expected/nano.safetensors")
        let pixels = try goldens.floats("image.pixels")
        let one = towers.image.activations(batch: 1)
        let all = towers.image.activations(batch: 3)
        towers.image.forward(pixels, batch: 3, all)
        let dimension = towers.image.dimension
        for item in 0..<3 {
            towers.image.forward(Array(pixels[(item * pixels.count / 3)...]), batch: 1, one)
            for j in 0..<dimension {
                #expect(abs(one.means.pointer[j] - all.means.pointer[item * dimension + j]) < 1e-6)
            }
        }
    }

    /// A forward pass that threads share is the same pass: with products of our own to the bit, else up to rounding.
    @Test(arguments: models, Kernels.names) func threadsGiveWhatOneGives(model: String, level: String) throws {
        guard let kernels = Kernels.named(level) else { return print("\(level): skipped, not on this machine") }
        let towers = try Loaded(model)
        let goldens = try Goldens("expected/\(model).safetensors")
        let pixels = try goldens.floats("image.pixels")
        let hasProducts = kernels.table.pointee.multiply_transposed_f32 != nil
        func results(_ buffers: Activations) -> [Float] {
            [buffers.means, buffers.logVariances].flatMap {
                Array(UnsafeBufferPointer(start: $0.pointer, count: towers.image.dimension * 2))
            }
        }
        let one = towers.image.activations(batch: 2)
        towers.image.forward(pixels, batch: 2, one, kernels)
        let expected = results(one)
        // More threads than rows or heads, and back to one.
        for threads in [2, 3, 64, 1] {
            let buffers = towers.image.activations(batch: 2)
            buffers.threads = threads
            towers.image.forward(pixels, batch: 2, buffers, kernels)
            let got = results(buffers)
            if hasProducts {
                #expect(got == expected, "\(threads) threads")
            } else {
                #expect(zip(got, expected).allSatisfy { abs($0 - $1) < 1e-5 }, "\(threads) threads")
            }
        }
    }

    @Test func workersGetEqualShares() {
        for jobs in [1, 2, 3, 16] {
            for count in [0, 1, 2, 7, 8, 9, 16, 17, 24, 100, 1_000] {
                let size = ImageEncoder.share(of: count, jobs: jobs)
                #expect((1...ImageEncoder.batchSize).contains(size))
                // Whoever has most has at most one share more than the average, and shares are full where there are many.
                let shares = (count + size - 1) / size
                #expect((shares + jobs - 1) / jobs * size * jobs - count < jobs * max(size, jobs), "\(count), \(jobs)")
                if count >= 100 * jobs { #expect(size >= ImageEncoder.batchSize - 1) }
            }
        }
        #expect(ImageEncoder.share(of: 24, jobs: 2) == 6, "two workers, two shares each")
    }

    @Test func idsOutsideTheVocabularyAreRefused() throws {
        let towers = try Loaded("nano")
        let buffers = towers.text.activations(batch: 1)
        let error = #expect(throws: TokenRangeError.self) { try towers.text.forward([0, 512], batch: 1, buffers) }
        #expect(error?.id == 512)
    }
}
