import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    @Test func readsNames() throws {
        let file = try Safetensors(path: Fixtures.path("models/nano/model.safetensors"))
        #expect(file.tensors["visual.proj"]?.shape == [64, 32])
        #expect(file.tensors["logit_scale"]?.shape == [])
        #expect(file.tensors["logit_scale"]?.count == 1)
    }
}
