// Matrix products: by our kernels or by OpenBLAS, which is set up once for this process.
import CKernels
import COpenBLAS
import Gaussians
import Glibc

/// OpenBLAS, set up on first use: one thread per call (parallelism is ours) and the best core type.
package enum BLAS {
    /// The core type in use, for example "SkylakeX".
    package static var core: String {
        _ = ready
        return openblas_get_corename().map { String(cString: $0) } ?? "unknown"
    }

    /// Set-up runs once, before any other use of BLAS.
    ///
    /// A misleading OPENBLAS_CORETYPE in the environment halves the speed. The variable is set to the best core of this
    /// machine; where OpenBLAS has read it already, it is asked to choose again.
    private static let ready: Bool = {
        if let core = bestCore, getenv("OPENBLAS_CORETYPE") != nil || getenv("OPENBLAS_L2_SIZE") != nil {
            setenv("OPENBLAS_CORETYPE", core, 1)
            unsetenv("OPENBLAS_L2_SIZE")
            pblas_choose_core_again()
        }
        openblas_set_num_threads(1)
        return true
    }()

    /// The core type to ask for, or nil to leave the choice to OpenBLAS.
    private static var bestCore: String? {
        switch Kernels.best.name {
        case "avx512", "avx512vnni": "SkylakeX"
        case "avx2": "Haswell"
        default: nil
        }
    }

    /// C = A * B, or C + A * B if `adds`, row-major: A [m, k], B [k, n], or [n, k] when `transposed`; C [m, n].
    ///
    /// `lda`, `ldb`, `ldc` are elements between rows of A, B, C. By the kernels where they have products of their own: with
    /// AVX-512 these need not copy the weights, and are faster than OpenBLAS, twice for the few rows of one text.
    package static func multiply(
        m: Int, n: Int, k: Int,
        _ a: UnsafePointer<Float>, lda: Int,
        _ b: UnsafePointer<Float>, ldb: Int, transposed: Bool,
        adds: Bool = false, into c: UnsafeMutablePointer<Float>, ldc: Int, _ scratch: FloatBuffer, _ kernels: Kernels
    ) {
        precondition(scratch.count >= Int(PK_MULTIPLY_SCRATCH))
        if transposed, let multiply = kernels.table.pointee.multiply_transposed_f32 {
            return multiply(m, n, k, a, lda, b, ldb, adds ? 1 : 0, c, ldc, scratch.pointer)
        }
        if !transposed, !adds, let multiply = kernels.table.pointee.multiply_f32 {
            return multiply(m, n, k, a, lda, b, ldb, c, ldc, scratch.pointer)
        }
        _ = ready
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans,
            Int32(m), Int32(n), Int32(k), 1, a, Int32(lda), b, Int32(ldb), adds ? 1 : 0, c, Int32(ldc))
    }
}
