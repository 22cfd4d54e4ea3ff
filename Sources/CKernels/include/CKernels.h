// The inner loops of Penumbra: one template (kernels.inc) compiled once per instruction set, chosen at run time.
//
// Sizes are counts of elements unless said otherwise. Matrices are row-major. No pointer needs more alignment than its
// element type; 64-byte aligned rows are fastest. No function allocates, and none reads or writes beyond the sizes given.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Instruction sets a kernel table exists for, slowest first.
typedef enum {
    pk_level_portable = 0,
    /// AVX2 with FMA and F16C.
    pk_level_avx2 = 1,
    /// AVX-512 F, BW, DQ and VL.
    pk_level_avx512 = 2,
} pk_level;

/// The kernels of one instruction set.
typedef struct {
    /// The name used by PENUMBRA_SIMD: "portable", "avx2" or "avx512".
    const char *_Nonnull name;

    /// out[i] = query . rows[i]: query [d], rows [n, d], out [n].
    /// The rounding error is below (d + 4) * 2^-24 * |query| * |row|.
    void (*_Nonnull dot_rows_f32)(const float *_Nonnull query, const float *_Nonnull rows, size_t n, size_t d,
                                  float *_Nonnull out);

    /// out = (x - mean) / sqrt(variance + eps) * weight + bias by row, biased variance: x, out [n, d]; weight, bias [d].
    /// out may be x.
    void (*_Nonnull layer_norm_f32)(const float *_Nonnull x, const float *_Nonnull weight, const float *_Nonnull bias,
                                    float eps, size_t n, size_t d, float *_Nonnull out);

    /// x = gelu(x + bias) by row, exact (erf) form: x [n, d]; bias [d].
    void (*_Nonnull bias_gelu_f32)(float *_Nonnull x, const float *_Nonnull bias, size_t n, size_t d);

    /// x = y * sigmoid(1.702 y) with y = x + bias, by row: x [n, d]; bias [d].
    void (*_Nonnull bias_quick_gelu_f32)(float *_Nonnull x, const float *_Nonnull bias, size_t n, size_t d);

    /// x = softmax(scale * x) by row: x [n, d], rows `stride` elements apart.
    void (*_Nonnull softmax_rows_f32)(float *_Nonnull x, float scale, size_t n, size_t d, size_t stride);

    /// x += bias by row: x [n, d]; bias [d].
    void (*_Nonnull add_bias_f32)(float *_Nonnull x, const float *_Nonnull bias, size_t n, size_t d);

    /// x += gamma * (y + bias) by row: x, y [n, d]; gamma, bias [d] (LayerScale).
    void (*_Nonnull add_scaled_f32)(float *_Nonnull x, const float *_Nonnull y, const float *_Nonnull bias,
                                    const float *_Nonnull gamma, size_t n, size_t d);

    /// Widens n IEEE half-precision numbers; exact, subnormals, infinities and NaN included.
    void (*_Nonnull widen_f16)(const uint16_t *_Nonnull x, size_t n, float *_Nonnull out);

    /// Widens n bfloat16 numbers; exact.
    void (*_Nonnull widen_bf16)(const uint16_t *_Nonnull x, size_t n, float *_Nonnull out);
} pk_kernels;

/// The table of a level, or NULL where this machine lacks the instructions.
const pk_kernels *_Nullable pk_kernels_at(pk_level level);

/// The table of the best level this machine has.
const pk_kernels *_Nonnull pk_kernels_best(void);

/// |a - b|^2 accumulated in double in an order that does not depend on the instruction set: eight running sums, element
/// i to sum i mod 8, added pairwise at the end. a, b [d].
double pk_squared_distance_f64(const float *_Nonnull a, const float *_Nonnull b, size_t d);

/// a . b accumulated in double in the same order. a, b [d].
double pk_dot_f64(const float *_Nonnull a, const float *_Nonnull b, size_t d);

/// CRC-32C (Castagnoli) of n bytes, continuing from `crc` (0 to begin).
uint32_t pk_crc32c(uint32_t crc, const void *_Nonnull bytes, size_t n);

#endif
