// Sets OpenBLAS up once for this process, and gives its SGEMM a signature that says what is what.
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
    /// A misleading OPENBLAS_CORETYPE in the environment halves the speed. OpenBLAS has read it by now, so the variable
    /// is set to the best core of this machine and the choice is made again through OpenBLAS's own entry points.
    private static let ready: Bool = {
        if let core = bestCore, getenv("OPENBLAS_CORETYPE") != nil || getenv("OPENBLAS_L2_SIZE") != nil {
            setenv("OPENBLAS_CORETYPE", core, 1)
            unsetenv("OPENBLAS_L2_SIZE")
            typealias Entry = @convention(c) () -> Void
            if let quit = dlsym(nil, "gotoblas_dynamic_quit"), let begin = dlsym(nil, "gotoblas_dynamic_init") {
                unsafeBitCast(quit, to: Entry.self)()
                unsafeBitCast(begin, to: Entry.self)()
            }
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

    /// C = alpha * A * B (+ beta * C), row-major: A [m, k], B [k, n], or [n, k] when `transposed`; C [m, n].
    ///
    /// `lda`, `ldb`, `ldc` are elements between rows of A, B, C.
    @inline(__always)
    package static func multiply(
        m: Int, n: Int, k: Int, alpha: Float = 1,
        _ a: UnsafePointer<Float>, lda: Int,
        _ b: UnsafePointer<Float>, ldb: Int, transposed: Bool,
        beta: Float = 0, into c: UnsafeMutablePointer<Float>, ldc: Int
    ) {
        _ = ready
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans,
            Int32(m), Int32(n), Int32(k), alpha, a, Int32(lda), b, Int32(ldb), beta, c, Int32(ldc))
    }
}
