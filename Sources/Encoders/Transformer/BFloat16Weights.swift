// Weights to bfloat16, packed once as oneDNN's products read them, and activations times them.

#if OneDNN
    import CDNNL
    import CKernels
    import Gaussians
    import Glibc
    import Synchronization

    /// A weight matrix [outputs, inputs] in bfloat16.
    package final class BFloat16Weights: @unchecked Sendable {  // immutable after init
        private let outputs: Int
        private let inputs: Int
        private let packed: UnsafeMutableRawPointer

        /// Why bfloat16 cannot be had here, or nil.
        static var obstacle: String? {
            // Below AVX-512 oneDNN falls back on loops that are slower than Float32.
            guard
                dnnl_get_effective_cpu_isa().rawValue & dnnl_cpu_isa_avx512_core.rawValue
                    == dnnl_cpu_isa_avx512_core.rawValue
            else { return "this processor has no AVX-512" }
            return nil
        }

        /// Rounds and packs weights.
        init(_ weights: FloatTensor) throws {
            outputs = weights.shape[0]
            inputs = weights.shape[1]
            let engine = try OneDNN.engine.get()
            let product = try OneDNN.product(rows: 1, outputs: outputs, inputs: inputs, adds: false)
            packed = .allocate(byteCount: product.value.packed_size, alignment: 64)
            OneDNN.useOneThread()
            let status = withUnsafePointer(to: product.value) { pointer in
                withExtendedLifetime(weights) {
                    pdnnl_product_pack(engine.value, pointer, Int64(outputs), Int64(inputs), weights.pointer, packed)
                }
            }
            try OneDNN.check(status, "packing")
        }

        deinit { packed.deallocate() }

        /// x [rows, inputs] Float32, `stride` elements apart -> out [rows, outputs], added to what is there if `adds`.
        func multiply(
            _ x: UnsafePointer<Float>, rows: Int, stride: Int, adds: Bool, into out: Rows, _ lane: Lane,
            _ kernels: Kernels
        ) {
            let half = lane.half.reserve(byteCount: rows * inputs * 2).assumingMemoryBound(to: UInt16.self)
            if stride == inputs {
                kernels.table.pointee.narrow_bf16(x, rows * inputs, half)
            } else {
                for row in 0..<rows { kernels.table.pointee.narrow_bf16(x + row * stride, inputs, half + row * inputs) }
            }
            do {
                let engine = try OneDNN.engine.get()
                let product = try OneDNN.product(rows: rows, outputs: outputs, inputs: inputs, adds: adds)
                let scratch = lane.productScratch.reserve(byteCount: product.value.scratch_size)
                OneDNN.useOneThread()
                let status = withUnsafePointer(to: product.value) {
                    pdnnl_product_run(engine.value, $0, half, packed, out, scratch)
                }
                try OneDNN.check(status, "a product")
            } catch {
                // What was packed can be multiplied: only a lack of memory comes here.
                preconditionFailure("oneDNN: \(error)")
            }
        }
    }

    /// oneDNN, set up once for this process.
    private enum OneDNN {
        // Engines may be shared between threads, and so may products whose scratch memory is the caller's.
        struct Engine: @unchecked Sendable { let value: dnnl_engine_t }
        struct Product: @unchecked Sendable { let value: pdnnl_product }
        private struct Shape: Hashable {
            let rows: Int, outputs: Int, inputs: Int
            let adds: Bool
        }
        private static let products = Mutex<[Shape: Product]>([:])

        static let engine: Result<Engine, PrecisionError> = Result { () throws(PrecisionError) in
            var engine: dnnl_engine_t?
            try check(dnnl_engine_create(&engine, dnnl_cpu, 0), "starting")
            guard let engine else { throw PrecisionError(precision: .bf16, reason: "oneDNN has no engine") }
            return Engine(value: engine)
        }

        /// The product of a shape: made once, in less than a millisecond.
        static func product(rows: Int, outputs: Int, inputs: Int, adds: Bool) throws -> Product {
            let shape = Shape(rows: rows, outputs: outputs, inputs: inputs, adds: adds)
            let engine = try engine.get()
            return try products.withLock { products in
                if let known = products[shape] { return known }
                useOneThread()  // a product keeps how many threads it is for
                var value = pdnnl_product()
                let status = pdnnl_product_create(
                    engine.value, Int64(rows), Int64(outputs), Int64(inputs), adds ? 1 : 0, &value)
                try check(status, "preparing a product")
                let made = Product(value: value)
                try checkPacking(made, shape, among: products)
                products[shape] = made
                return made
            }
        }

        /// Every product of one weight must read what was packed for the first.
        private static func checkPacking(_ made: Product, _ shape: Shape, among products: [Shape: Product]) throws {
            let first = Shape(rows: 1, outputs: shape.outputs, inputs: shape.inputs, adds: false)
            guard let known = products[first] else { return }
            let isAlike = withUnsafePointer(to: known.value) { known in
                withUnsafePointer(to: made.value) { pdnnl_product_packs_alike(known, $0) }
            }
            if isAlike == 0 { throw PrecisionError(precision: .bf16, reason: "oneDNN packs weights in two ways") }
        }

        static func check(_ status: dnnl_status_t, _ operation: String) throws(PrecisionError) {
            guard status != dnnl_success else { return }
            throw PrecisionError(
                precision: .bf16, reason: "oneDNN cannot do this: \(operation) ends with \(status.rawValue)")
        }

        /// Parallelism is ours: OpenMP's number of threads belongs to the calling thread, and would be one per core.
        static func useOneThread() { setThreads?(1) }

        private static let setThreads: (@convention(c) (Int32) -> Void)? =
            dlsym(nil, "omp_set_num_threads").map {
                unsafeBitCast($0, to: (@convention(c) (Int32) -> Void).self)
            }
    }
#else
    import Gaussians

    /// A weight matrix in bfloat16: this program was built without it.
    package struct BFloat16Weights: Sendable {
        static let obstacle: String? =
            "this program was built without oneDNN, which computes in bfloat16; "
            + "build it where libdnnl-dev is installed, with make or swift build --traits OneDNN"

        init(_ weights: FloatTensor) throws {
            throw PrecisionError(precision: .bf16, reason: Self.obstacle ?? "")
        }

        func multiply(
            _ x: UnsafePointer<Float>, rows: Int, stride: Int, adds: Bool, into out: Rows, _ lane: Lane,
            _ kernels: Kernels
        ) { preconditionFailure("there are no weights in bfloat16") }
    }
#endif
