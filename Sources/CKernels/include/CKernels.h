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
    /// The same with VNNI and VBMI.
    pk_level_avx512vnni = 3,
} pk_level;

// Short codes. The mean x of an item, less a centroid c and turned by an orthonormal R, is y = R (x - c). R is random, or
// turns the directions in which items differ most to the front. Every code is y = scale * integers + error; kept beside it
// are the error's length and |x|^2 + total variance (`base`), rounded so that every bound below holds.
//
// Coarse codes, read for every item: the first dimensions in eight bits, the next in four, the last in two.
//   In eight bits an integer is -127 to 127 (128 is added), on a scale of the item's own (`scale8`), so that the error of one
//   is at most half of the scale. In four bits it is one of 16 levels, pk_levels4 less 64, and in two -3, -1, 1 or 3; both
//   on the item's second scale, times a weight and a step that all items share.
//   Column of a block of 256 slots: 64 floats, the first two of which are the largest lengths of what stands in four and in
//   two bits, before the items' scale; then 8 groups of 32 items: base, [32] float; scale8, scale, error4 and error2, [32]
//   bfloat16 each; chunks of 128 bytes, 4 bytes an item, those in eight bits first. Byte b of an item in chunk c holds dimension 4 c + b in
//   eight bits; 8 c + b and, in the high half, 8 c + 4 + b in four; 16 c + 4 t + b in bits 2 t and 2 t + 1 in two.
// Residual codes, read for what coarse ones cannot exclude: 256 rows of pk_residual_row_size(d) bytes. As float: scale8, error4
//   and error2 of the coarse code, the row's own scale, the lengths of what is left of the parts in eight, four and two bits,
//   and 0 up to a line of memory. Then what the coarse code leaves of every dimension, in two bits, each on its part's weight: byte b of line v of 64
//   holds dimension 256 v + 64 t + b in bits 2 t and 2 t + 1.
// Fine codes, read for what those cannot exclude: 256 rows of pk_fine_row_size(d) bytes: base, scale, error and length
//   as float, then every dimension, divided by its part's weight, in eight bits.

/// Slots of a block of codes.
#define PK_BLOCK 256

/// Bytes of a group of 32 items before its chunks.
#define PK_GROUP_FIELDS 384

/// Bytes of a residual row before its codes: a line of memory, so that codes begin with one.
#define PK_RESIDUAL_FIELDS 64

/// Floats of scratch memory a matrix product needs.
#define PK_MULTIPLY_SCRATCH (192 * 768)

/// Queries that share the reading of a coarse column, at most.
#define PK_QUERIES 4
/// Queries that are bounded by fine codes together.
#define PK_TOGETHER 32
/// Up to so many dimensions: items and queries are turned on the stack, and integer sums must fit 32 bits.
#define PK_TOGETHER_D 2048

/// What integers stand for four bits: level i is pk_levels4[i] - 64.
extern const uint8_t pk_levels4[16];

/// How a collection's items are coded.
typedef struct {
    /// D.
    size_t d;
    /// Chunks of four dimensions in eight bits, of eight in four, of sixteen in two: as many as d takes, the last one of
    /// those that there are perhaps in part.
    size_t chunks8, chunks4, chunks2;
    /// The expected size of a number of each part, above zero.
    float weight8, weight4, weight2;
    /// How far R is from orthonormal: at least the norm of R^T R - 1.
    double skew;
} pk_code_plan;

/// A query prepared for codes: p = R q, part by part a step times integers and a rest.
typedef struct {
    size_t d, chunks8, chunks4, chunks2;
    /// [pk_coarse_query_size]: in eight bits and what that leaves over, [4 chunks8] each; [8 chunks4]; [16 chunks2].
    const int8_t *_Nonnull coarse;
    /// Sums of those.
    int32_t sum8, rest_sum8, sum4, sum2;
    /// What integer products are multiplied by: twice the query's step, in four and two bits with weight and step of codes.
    float step8, rest_step8, step4, step2;
    /// What an item's scales, the largest lengths and the item's errors are multiplied by, widened for rounding.
    float scale8_factor, size4_factor, size2_factor, error4_factor, error2_factor;
    /// What is taken off every bound, for numbers too small to be coded.
    float absolute;
    /// [pk_residual_query_size], for residual codes, quickest at the begin of a line of memory, and their sum; what products of integers are multiplied by.
    const int8_t *_Nonnull residual;
    int32_t residual_sum;
    double residual_step;
    /// What each of the eight numbers of a residual row changes its bound by: what was taken off for the errors of the coarse
    /// code is given back, and what is left is taken off.
    double residual_factors[8];
    /// [d] each, for fine codes: p times the weights = step (high + ratio low) + f.
    const int8_t *_Nonnull high, *_Nonnull low;
    int32_t high_sum, low_sum;
    /// 2 step and 2 step ratio.
    double high_step, low_step;
    /// 2 |p|, and 2 |f|, widened for rounding.
    float error_factor, length_factor;
    /// [64 + d rounded up to 16], for fine codes of all items: p times the weights = step (128 top + rest) + g, where top [64] is
    /// for the first 64 numbers alone, the largest; rest [d], zero beyond. Then 128 times the sum of top, and that of rest; 2 step; 2 |g|, widened.
    const int8_t *_Nonnull together;
    int32_t together_sum;
    double together_step;
    float together_length_factor;
} pk_code_query;

// Half-precision variances, for inclusion and containment. Column of a block of 256 slots: the sum of the item's log
// variances, [256] double; its scale, [256] float, a power of two, or 0 where half precision cannot hold the item; 256 rows of
// pk_half_stride(d) half-precision numbers, zero beyond d: variance / scale, the largest between 2^14 and 2^15.
//
// Variances, not their logarithms: a half-precision number is off by 2^-11 of itself, a variance thus by 0.05 %, but a log
// variance of -11 by 0.004, the variance by 0.4 %. Scaled, since variances of 1e-5 are subnormal in half precision.

/// What a variance of the column may be off by, relative to itself: half precision's rounding, and some for Float32's.
#define PK_HALF_ERROR (0x1p-11 + 0x1p-18)

/// A query Gaussian prepared for inclusion. Variances are divided by a power of two, the unit, which brings them near 1.
typedef struct {
    /// D.
    size_t d;
    /// [(d + 15) / 16 * 16], zero beyond d.
    const float *_Nonnull mean;
    /// The same size, in units; 1 beyond d.
    const float *_Nonnull variance;
    /// The sum of the log variances.
    double log_sum;
    /// The logarithm of the unit.
    double log_unit;
    /// 1 / unit.
    double inverse_unit;
} pk_inclusion_query;

/// The kernels of one instruction set.
typedef struct {
    /// The name used by PENUMBRA_SIMD: "portable", "avx2", "avx512" or "avx512vnni".
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

    /// Rounds n numbers to bfloat16: to the nearest, ties to even.
    void (*_Nonnull narrow_bf16)(const float *_Nonnull x, size_t n, uint16_t *_Nonnull out);

    /// |a - b|^2, the same bytes as pk_squared_distance_f64 gives.
    double (*_Nonnull squared_distance_f64)(const float *_Nonnull a, const float *_Nonnull b, size_t d);

    /// out (+)= a b in double: a [n, m], b [m, k], out [n, k]; `adds` keeps what is in out. Products are exact and added in
    /// the order of m, so that all levels agree to the bit.
    void (*_Nonnull matmul_f64)(const float *_Nonnull a, const float *_Nonnull b, size_t n, size_t m, size_t k, int adds,
                                double *_Nonnull out);

    /// Makes the rows [n, d] orthonormal, each by those before it; a row that depends on them becomes another direction.
    void (*_Nonnull orthonormalise)(double *_Nonnull rows, size_t n, size_t d);

    /// Encodes the means [256, d] of a block: axes [d, d], the transpose of R, or NULL for the rotation of the seed; centroid
    /// [d]; bases [256] = |x|^2 + total variance; scratch centred, rotated [256, d]; columns as above. The same bytes at every
    /// level.
    void (*_Nonnull encode_block)(const pk_code_plan *_Nonnull plan, const float *_Nullable axes, uint64_t seed,
                                  const float *_Nonnull means, const double *_Nonnull bases,
                                  const float *_Nonnull centroid, float *_Nonnull centred, double *_Nonnull rotated,
                                  void *_Nonnull coarse, void *_Nonnull residual, void *_Nonnull fine);

    /// Integer sums of a group of 32 items of a coarse column, exact: out [4, 32] receives the products of the codes, as
    /// they are stored (levels for four bits, 0 to 3 for two), with the query in eight bits, what that leaves over, in four
    /// and in two bits. d up to 65,536. Tests call it; a search calls bound_coarse.
    void (*_Nonnull dot_coarse)(const pk_code_query *_Nonnull query, const uint8_t *_Nonnull group, int32_t *_Nonnull out);

    /// lower[q][256 b + i] <= |x|^2 + total variance - 2 q . (x - c) for each of 256 items of each of some coarse columns, and
    /// each of one to PK_QUERIES queries; NaN where no bound is known, -infinity without a column. The end prefetches from
    /// `next`, the column to be scanned afterwards, if any.
    void (*_Nonnull bound_coarse)(const pk_code_query *_Nonnull const *_Nonnull queries, size_t count,
                                  const void *_Nullable const *_Nonnull columns, size_t blocks,
                                  const void *_Nullable next, float *_Nonnull const *_Nonnull lower);

    /// Raises the bounds of chosen items, from their coarse codes, by what residual codes say: item index[i] is row
    /// index[i] % 256 of columns[index[i] / 256]; without a column, lower[i] stays. For queries whose coarse bounds are
    /// certain alone (no deviations). Returns how many items had a column.
    size_t (*_Nonnull raise_by_residuals)(const pk_code_query *_Nonnull query,
                                        const void *_Nullable const *_Nonnull columns, const uint32_t *_Nonnull index,
                                        size_t n, float *_Nonnull lower);

    /// out = {high . row, low . row}, exact: high, low [d], -127 to 127; row [d] bytes. d up to 65,536.
    void (*_Nonnull dot_fine)(const int8_t *_Nonnull high, const int8_t *_Nonnull low, const uint8_t *_Nonnull row,
                              size_t d, int32_t *_Nonnull out);

    /// The bounds of chosen items from fine columns: item index[i] is row index[i] % 256 of columns[index[i] / 256]; without
    /// a column the bound is -infinity.
    void (*_Nonnull bound_fine)(const pk_code_query *_Nonnull query, const void *_Nullable const *_Nonnull columns,
                                const uint32_t *_Nonnull index, size_t n, float *_Nonnull lower);

    /// Lower bounds of all items of some blocks from their fine columns: up to PK_TOGETHER queries of one plan, lower[q]
    /// [blocks, 256]; -infinity without a column; d up to PK_TOGETHER_D. NULL where integer products of bytes are no single
    /// instruction.
    void (*_Nullable bound_fine_blocks)(const pk_code_query *_Nonnull const *_Nonnull queries, size_t count,
                                        const void *_Nullable const *_Nonnull columns, size_t blocks,
                                        float *_Nonnull const *_Nonnull lower);

    /// All x that are not above the threshold (NaN included) and their positions, ascending: x [n], out [n], values [n].
    /// Returns how many there are.
    size_t (*_Nonnull select_not_above)(const float *_Nonnull x, size_t n, float threshold, uint32_t *_Nonnull out,
                                        float *_Nonnull values);

    /// c = a b^T, or c + a b^T where `adds`: a [m, k], b [n, k], c [m, n], rows lda, ldb and ldc elements apart; scratch
    /// [PK_MULTIPLY_SCRATCH]. A row of c depends on one row of a alone, to the bit. NULL where OpenBLAS is as fast.
    void (*_Nullable multiply_transposed_f32)(size_t m, size_t n, size_t k, const float *_Nonnull a, size_t lda,
                                              const float *_Nonnull b, size_t ldb, int adds, float *_Nonnull c,
                                              size_t ldc, float *_Nonnull scratch);

    /// c = a b: a [m, k], b [k, n], c [m, n]; otherwise as above.
    void (*_Nullable multiply_f32)(size_t m, size_t n, size_t k, const float *_Nonnull a, size_t lda,
                                   const float *_Nonnull b, size_t ldb, float *_Nonnull c, size_t ldc,
                                   float *_Nonnull scratch);

    /// Both containments of the query and each of n <= 256 items of a block, in nats: slots [n], column as above, means
    /// [256, d], out [4, 256]: in_item, in_query, and what each is off by at most, infinite where nothing is known. With u the query's variance, w the item's, d the difference of the means:
    /// in_item = sum of -1/2 log u - 1/2 log(u + 2w) - d^2/(u + 2w) - log(2 pi), in_query with u and w exchanged.
    ///
    /// The error: w is off by h = PK_HALF_ERROR of itself, so that u + 2w is off by at most h of itself, its logarithm by
    /// h, and d^2/(u + 2w) by h of itself; Float32 adds 2^-14 for a reciprocal and (d + 64) 2^-26 for the sum. Hence
    /// error = D h / 2 + (h + 2^-14 + (d + 64) 2^-26) sum of d^2/(u + 2w), and some for Float64's rounding.
    void (*_Nonnull bound_inclusion)(const pk_inclusion_query *_Nonnull query, const void *_Nonnull column,
                                     const float *_Nonnull means, const uint32_t *_Nonnull slots, size_t n,
                                     double *_Nonnull out);

    /// out[i] = pk_squared_distance_f64(query, row), the same bytes: row i of `rows` [., d], or row index[i].
    void (*_Nonnull squared_distances_f64)(const float *_Nonnull query, const float *_Nonnull rows,
                                           const uint32_t *_Nullable index, size_t n, size_t d, double *_Nonnull out);

    /// The sum of e^x over log variances [d], each to 2^-52 of itself, in a fixed order: the same bytes at every level.
    /// Returns 0 where a number is beyond 700 or none; then out is nothing.
    int (*_Nonnull total_variance_f64)(const float *_Nonnull log_variances, size_t d, double *_Nonnull out);

    /// How many of x[i] - offsets[i] are above the threshold, in Float32: x, offsets [n].
    size_t (*_Nonnull count_above)(const float *_Nonnull x, const float *_Nonnull offsets, size_t n, float threshold);
} pk_kernels;

/// The table of a level, or NULL where this machine lacks the instructions.
const pk_kernels *_Nullable pk_kernels_at(pk_level level);

/// Makes a table the best one from now on.
void pk_kernels_use(const pk_kernels *_Nonnull table);

/// The table of the best level this machine has, or the one that was chosen.
const pk_kernels *_Nonnull pk_kernels_best(void);

/// |a - b|^2 accumulated in double in an order that does not depend on the instruction set: eight running sums, element
/// i to sum i mod 8, added pairwise at the end. a, b [d].
double pk_squared_distance_f64(const float *_Nonnull a, const float *_Nonnull b, size_t d);

/// a . b accumulated in double in the same order. a, b [d].
double pk_dot_f64(const float *_Nonnull a, const float *_Nonnull b, size_t d);

/// Asks for a line of memory that will be read soon; nothing is read.
static inline void pk_prefetch(const void *_Nullable address) { __builtin_prefetch(address); }

/// The same for so many bytes.
static inline void pk_prefetch_lines(const void *_Nonnull address, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)address + i);
}

/// Bytes a slot takes in a coarse column.
size_t pk_coarse_row_size(const pk_code_plan *_Nonnull plan);

/// Bytes of a row of a residual column.
size_t pk_residual_row_size(size_t d);

/// Numbers a query takes for residual codes.
size_t pk_residual_query_size(size_t d);

/// Bytes of a row of a fine column.
size_t pk_fine_row_size(size_t d);

/// Numbers a query takes for coarse codes.
size_t pk_coarse_query_size(const pk_code_plan *_Nonnull plan);

/// The random rotation of a seed, in place: signs and Hadamard transforms. x [d]. Orthonormal to d * 2^-45; the same bytes
/// on every machine.
void pk_rotate(double *_Nonnull x, size_t d, uint64_t seed);

/// Prepares p = R q [d], |q| = norm, for codes: coarse [pk_coarse_query_size], residual
/// [pk_residual_query_size], high and low [d], together [64 + d rounded up to 16].
/// `deviations` above zero takes the errors of coarse codes as random, and bounds them at so many standard deviations.
void pk_prepare_query(const pk_code_plan *_Nonnull plan, const double *_Nonnull p, double norm, double deviations,
                      int8_t *_Nonnull coarse, int8_t *_Nonnull residual, int8_t *_Nonnull high,
                      int8_t *_Nonnull low, int8_t *_Nonnull together, pk_code_query *_Nonnull out);

/// Half-precision numbers of a row of a column of half-precision variances: d rounded up to whole lines of memory.
size_t pk_half_stride(size_t d);

/// Bytes a slot takes in a column of half-precision variances.
size_t pk_half_row_size(size_t d);

/// Encodes the log variances [256, d] of a block into a column of half-precision variances: scratch [d]. The same bytes on
/// every machine.
void pk_encode_halves(const float *_Nonnull log_variances, size_t d, float *_Nonnull scratch, void *_Nonnull column);

/// Prepares a query for inclusion: mean and variances [d], the sum of the variances' logarithms; mean_out, variance_out
/// [(d + 15) / 16 * 16]. Returns 0 where its numbers leave the range that the kernels can bound.
int pk_prepare_inclusion(const float *_Nonnull mean, const double *_Nonnull variances, double log_sum, size_t d,
                         float *_Nonnull mean_out, float *_Nonnull variance_out, pk_inclusion_query *_Nonnull out);

/// CRC-32C (Castagnoli) of n bytes, continuing from `crc` (0 to begin).
uint32_t pk_crc32c(uint32_t crc, const void *_Nonnull bytes, size_t n);

#endif
