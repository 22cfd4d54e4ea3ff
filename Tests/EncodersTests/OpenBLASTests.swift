// OpenBLAS, loaded when it is asked for, against the loops that stand in for it.
import COpenBLAS
import Testing

@Suite struct OpenBLASTests {
    /// Rows longer than they need be, both forms of both matrices, and C added to or not.
    @Test(arguments: [(1, 1, 1), (3, 7, 5), (17, 33, 9), (2, 64, 31)])
    func plainLoopsGiveTheSame(m: Int, n: Int, k: Int) {
        func numbers(_ count: Int, _ step: Int) -> [Float] { (0..<count).map { Float($0 * step % 13) - 6 } }
        for aForm in [CblasNoTrans, CblasTrans] {
            for bForm in [CblasNoTrans, CblasTrans] {
                for beta: Float in [0, 1, 0.5] {
                    let (lda, ldb, ldc) = (Int32(max(m, k) + 2), Int32(max(n, k) + 1), Int32(n + 3))
                    let a = numbers(max(m, k) * Int(lda), 7)
                    let b = numbers(max(n, k) * Int(ldb), 5)
                    var expected = numbers(m * Int(ldc), 3)
                    var got = expected
                    pblas_plain_sgemm(
                        aForm, bForm, Int32(m), Int32(n), Int32(k), 2, a, lda, b, ldb, beta, &expected, ldc)
                    cblas_sgemm(
                        CblasRowMajor, aForm, bForm, Int32(m), Int32(n), Int32(k), 2, a, lda, b, ldb, beta, &got, ldc)
                    #expect(got == expected)  // sums of small integers are exact in any order
                }
            }
        }
        #expect(openblas_get_num_threads() > 0, "OpenBLAS is not installed: plain loops were compared with themselves")
    }
}
