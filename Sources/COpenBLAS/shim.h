// OpenBLAS, loaded when it is first asked for: cblas_sgemm, its thread count, and what it says of itself.
//
// Linked, it would start with every process: some milliseconds, and for 25 more a thread of it would keep a core busy waiting
// for work, while most processes never multiply with it. Where it is not installed, plain loops multiply.
#ifndef COPENBLAS_SHIM_H
#define COPENBLAS_SHIM_H

#include <dlfcn.h>
#include <stddef.h>

enum CBLAS_ORDER { CblasRowMajor = 101 };
enum CBLAS_TRANSPOSE { CblasNoTrans = 111, CblasTrans = 112 };

/// A function of OpenBLAS, or NULL where it is not installed.
static inline void *pblas_function(const char *name) {
    static void *library;
    static int is_settled;
    if (!__atomic_load_n(&is_settled, __ATOMIC_ACQUIRE)) {
        // Two threads may both come here: they are given the same handle.
        static const char *const names[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.so.3"};
        void *found = NULL;
        for (size_t i = 0; !found && i < sizeof names / sizeof *names; i++) found = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        __atomic_store_n(&library, found, __ATOMIC_RELAXED);
        __atomic_store_n(&is_settled, 1, __ATOMIC_RELEASE);
    }
    void *found = __atomic_load_n(&library, __ATOMIC_RELAXED);
    return found ? dlsym(found, name) : NULL;
}

static inline void openblas_set_num_threads(int threads) {
    void (*function)(int) = (void (*)(int))pblas_function("openblas_set_num_threads");
    if (function) function(threads);
}

/// 0 where there is no OpenBLAS.
static inline int openblas_get_num_threads(void) {
    int (*function)(void) = (int (*)(void))pblas_function("openblas_get_num_threads");
    return function ? function() : 0;
}

/// NULL where there is no OpenBLAS.
static inline const char *openblas_get_corename(void) {
    char *(*function)(void) = (char *(*)(void))pblas_function("openblas_get_corename");
    return function ? function() : NULL;
}

/// NULL where there is no OpenBLAS.
static inline const char *openblas_get_config(void) {
    char *(*function)(void) = (char *(*)(void))pblas_function("openblas_get_config");
    return function ? function() : NULL;
}

/// C = alpha A B + beta C by plain loops, row-major: A [m, k], B [k, n] or, transposed, [n, k], C [m, n].
static inline void pblas_plain_sgemm(enum CBLAS_TRANSPOSE a_form, enum CBLAS_TRANSPOSE b_form, int m, int n, int k,
                                     float alpha, const float *a, int lda, const float *b, int ldb, float beta, float *c,
                                     int ldc) {
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int l = 0; l < k; l++) {
                float x = a_form == CblasTrans ? a[(size_t)l * lda + i] : a[(size_t)i * lda + l];
                sum += x * (b_form == CblasTrans ? b[(size_t)j * ldb + l] : b[(size_t)l * ldb + j]);
            }
            float *out = c + (size_t)i * ldc + j;
            *out = alpha * sum + (beta == 0 ? 0 : beta * *out);
        }
    }
}

/// C = alpha A B + beta C, as cblas.h declares it; `order` is CblasRowMajor.
static inline void cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE a_form, enum CBLAS_TRANSPOSE b_form, int m,
                               int n, int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta,
                               float *c, int ldc) {
    typedef void (*product)(enum CBLAS_ORDER, enum CBLAS_TRANSPOSE, enum CBLAS_TRANSPOSE, int, int, int, float,
                            const float *, int, const float *, int, float, float *, int);
    static product function;
    product known = __atomic_load_n(&function, __ATOMIC_RELAXED);
    if (!known) {
        known = (product)pblas_function("cblas_sgemm");
        if (!known) return pblas_plain_sgemm(a_form, b_form, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
        __atomic_store_n(&function, known, __ATOMIC_RELAXED);
    }
    known(order, a_form, b_form, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/// Lets OpenBLAS choose again which core it computes for, now that the environment says another one.
static inline void pblas_choose_core_again(void) {
    void (*quit)(void) = (void (*)(void))pblas_function("gotoblas_dynamic_quit");
    void (*begin)(void) = (void (*)(void))pblas_function("gotoblas_dynamic_init");
    if (quit && begin) {
        quit();
        begin();
    }
}

#endif
