// Means to short codes with proven errors: compiled for the baseline alone, so that every machine writes the same bytes. See
// CKernels.h for the layout, code_queries.c for the queries.
#include "code_parts.h"

#pragma clang fp contract(off)

/// The levels of the best 16-level quantiser of a normal distribution (Max, 1960), as multiples of 2.733 / 63, plus 64.
const uint8_t pk_levels4[16] = {1, 16, 27, 35, 42, 49, 55, 61, 67, 73, 79, 86, 93, 101, 112, 127};

/// Items whose numbers leave this range are not coded: their bound is minus infinity.
static const double largest_norm = 1e12, largest_base = 1e25;
/// Below this nothing is coded, but counted as error.
static const double negligible = 0x1p-100;

size_t pk_coarse_row_size(const pk_code_plan *plan) {
    return 1 + PK_GROUP_FIELDS / 32 + 4 * (plan->chunks8 + plan->chunks4 + plan->chunks2);
}

size_t pk_residual_row_size(size_t d) { return PK_RESIDUAL_FIELDS + (d + 255) / 256 * 64; }

size_t pk_residual_query_size(size_t d) { return (d + 255) / 256 * 256; }

size_t pk_fine_row_size(size_t d) { return 4 * sizeof(float) + (d + 15) / 16 * 16; }

size_t pk_coarse_query_size(const pk_code_plan *plan) {
    return 8 * plan->chunks8 + 8 * plan->chunks4 + 16 * plan->chunks2;
}

static uint64_t next(uint64_t *state) {  // SplitMix64
    uint64_t z = *state += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/// The orthonormal Hadamard transform of n numbers, n a power of two.
static void hadamard(double *x, size_t n) {
    for (size_t half = 1; half < n; half *= 2)
        for (size_t i = 0; i < n; i += 2 * half)
            for (size_t j = i; j < i + half; j++) {
                double a = x[j], b = x[j + half];
                x[j] = a + b;
                x[j + half] = a - b;
            }
    double scale = 1 / __builtin_sqrt((double)n);
    for (size_t i = 0; i < n; i++) x[i] *= scale;
}

// Four rounds: flip signs at random, then transform the first power of two of the dimensions, or the last, in turn; for 768
// dimensions the transformed parts overlap by 256.
void pk_rotate(double *x, size_t d, uint64_t seed) {
    if (d == 0) return;
    size_t n = 1;
    while (2 * n <= d) n *= 2;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < d; i += 64) {
            uint64_t signs = next(&seed);
            for (size_t j = i; j < d && j < i + 64; j++, signs >>= 1) x[j] = signs & 1 ? -x[j] : x[j];
        }
        hadamard(round & 1 ? x + (d - n) : x, n);
    }
}

/// A bound of an error, rounded up. The rotation's own rounding is far below 2^-40 of the norm.
static float upper(double error, double norm) { return (float)(error * widened + norm * 0x1p-40 + negligible); }

static uint32_t bits_of(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float widen(uint16_t x) {
    const uint32_t bits = (uint32_t)x << 16;
    float widened;
    __builtin_memcpy(&widened, &bits, sizeof widened);
    return widened;
}

/// The bfloat16 number that is nearest to a finite one, or the least that is not below it, for numbers from 0 to infinity.
static uint16_t nearest_bf16(float x) { return (uint16_t)((bits_of(x) + 0x8000) >> 16); }
static uint16_t upper_bf16(float x) { return (uint16_t)((bits_of(x) + 0xFFFF) >> 16); }

/// x = scale * integer, at a scale at which the largest is 127 at most; 128 is added to what is stored.
static void eight_bits(const double *x, size_t n, float scale, uint8_t *codes, double *integers) {
    double inverse = scale > 0 ? 1 / (double)scale : 0;
    for (size_t j = 0; j < n; j++) {
        double k = nearest(x[j] * inverse);
        integers[j] = k > 127 ? 127 : k < -127 ? -127 : k;
        codes[j] = (uint8_t)((int)integers[j] + 128);
    }
}

/// The scale at which the largest of some numbers is 127.
static float scale_of(const double *x, size_t n) {
    double top = largest(x, n);
    return top > 0x1p-120 ? (float)(top / 127) : 0;
}

/// Halfway between the levels.
static const double borders4[15] = {-55.5, -42.5, -33, -25.5, -18.5, -12, -6, 0, 6, 12, 18.5, 25.5, 33, 42.5, 55.5};

static inline unsigned level4(double z) {
    unsigned code = z > borders4[7] ? 8 : 0;
    code += z > borders4[code + 3] ? 4 : 0;
    code += z > borders4[code + 1] ? 2 : 0;
    return code + (z > borders4[code]);
}

static inline unsigned level2(double z) { return (unsigned)(z > -2) + (z > 0) + (z > 2); }

/// Where item i of a coarse column lies.
typedef struct {
    /// The largest lengths, of all items of the column.
    float *sizes;
    float *base;
    uint16_t *scale8, *scale, *error4, *error2;
    /// The first of its bytes in chunk 0.
    uint8_t *codes;
} coarse_place;

static coarse_place place_of(const pk_code_plan *plan, void *column, size_t i) {
    const size_t size = PK_GROUP_FIELDS + 128 * (plan->chunks8 + plan->chunks4 + plan->chunks2);
    uint8_t *group = (uint8_t *)column + PK_BLOCK + i / 32 * size;
    uint16_t *halves = (uint16_t *)(group + 32 * sizeof(float)) + i % 32;
    return (coarse_place){column,      (float *)group + i % 32, halves, halves + 32, halves + 64,
                          halves + 96, group + PK_GROUP_FIELDS + i % 32 * 4};
}

/// Four and two bits of item i: the nearest levels on the item's own scale, then the scale that leaves the least error.
static void encode_levels(const pk_code_plan *plan, widths n, const double *y, double norm, coarse_place item,
                          double *k) {
    const double unit4 = plan->weight4 * step4, unit2 = plan->weight2 * step2;
    double expected = (double)n.four * plan->weight4 * plan->weight4 + (double)n.two * plan->weight2 * plan->weight2;
    double own = expected > 0 ? length(y, n.four + n.two) / __builtin_sqrt(expected) : 0;
    double inverse4 = own * unit4 > 0 ? 1 / (own * unit4) : 0, inverse2 = own * unit2 > 0 ? 1 / (own * unit2) : 0;
    uint8_t *group = item.codes + plan->chunks8 * 128;
    for (size_t j = 0; j < n.four; j++) {
        unsigned code = level4(y[j] * inverse4);
        k[j] = ((double)pk_levels4[code] - 64) * unit4;
        group[j / 8 * 128 + j % 4] |= (uint8_t)(code << (j % 8 / 4 * 4));
    }
    group += plan->chunks4 * 128;
    for (size_t j = 0; j < n.two; j++) {
        unsigned code = level2(y[n.four + j] * inverse2);
        k[n.four + j] = (2 * (double)code - 3) * unit2;
        group[j / 16 * 128 + j % 4] |= (uint8_t)(code << (j % 16 / 4 * 2));
    }
    const double product = dot(k, y, n.four + n.two);
    double square4 = squared(k, n.four), square2 = squared(k + n.four, n.two);
    const int is_coded = square4 + square2 > 0 && own > negligible;
    *item.scale = is_coded ? nearest_bf16((float)(product / (square4 + square2))) : 0;
    const double scale = widen(*item.scale);
    float size4 = (float)(__builtin_sqrt(square4) * widened), size2 = (float)(__builtin_sqrt(square2) * widened);
    for (size_t j = 0; j < n.four + n.two; j++) k[j] = y[j] - scale * k[j];
    *item.error4 = upper_bf16(upper(length(k, n.four), norm));
    *item.error2 = n.two > 0 ? upper_bf16(upper(length(k + n.four, n.two), norm)) : 0;
    item.sizes[0] = size4 > item.sizes[0] ? size4 : item.sizes[0];
    item.sizes[1] = size2 > item.sizes[1] ? size2 : item.sizes[1];
}

/// Leaves the errors [d] of the code behind.
static void encode_coarse(const pk_code_plan *plan, const double *y, double norm, double base, coarse_place item,
                          double *errors) {
    const widths n = widths_of(plan);
    *item.base = (float)(base * (1 - 0x1p-23));
    uint8_t eight[n.eight + 1];
    *item.scale8 = upper_bf16(scale_of(y, n.eight));
    const float scale8 = widen(*item.scale8);
    eight_bits(y, n.eight, scale8, eight, errors);
    for (size_t j = 0; j < n.eight; j++) {
        item.codes[j / 4 * 128 + j % 4] = eight[j];
        errors[j] = y[j] - (double)scale8 * errors[j];
    }
    encode_levels(plan, n, y + n.eight, norm, item, errors + n.eight);
}

/// What is left has longer tails than a normal distribution: the best step, in a search over random means.
static const double left_step = 0.9 * 0.9957 / 2;

/// Two bits for what the coarse code of an item leaves, on a scale of its own; `errors` becomes what is left after that.
static void encode_residual(const pk_code_plan *plan, double *errors, double norm, coarse_place item, uint8_t *row) {
    const widths n = widths_of(plan);
    const size_t d = plan->d;
    double k[d + 1], weights[d + 1];
    for (size_t j = 0; j < d; j++) weights[j] = left_weight(plan, n, j);
    for (size_t j = 0; j < d; j++) k[j] = errors[j] / weights[j];
    const double own = length(k, d) / __builtin_sqrt((double)d);
    const double inverse = own * left_step > negligible ? 1 / (own * left_step) : 0;
    uint8_t *codes = row + PK_RESIDUAL_FIELDS;
    for (size_t j = 0; j < d; j++) {
        unsigned code = level2(k[j] * inverse);
        codes[j / 256 * 64 + j % 64] |= (uint8_t)(code << (j % 256 / 64 * 2));
        k[j] = (2 * (double)code - 3) * weights[j];
    }
    const double square = squared(k, d);
    const float scale = inverse > 0 && square > 0 ? (float)(dot(k, errors, d) / square) : 0;
    for (size_t j = 0; j < d; j++) errors[j] -= (double)scale * k[j];
    const float fields[8] = {widen(*item.scale8),
                             widen(*item.error4),
                             widen(*item.error2),
                             scale,
                             upper(length(errors, n.eight), norm),
                             upper(length(errors + n.eight, n.four), norm),
                             upper(length(errors + n.eight + n.four, n.two), norm),
                             0};
    __builtin_memcpy(row, fields, sizeof fields);
}

/// What is not coded has an infinite error: nothing can be said of it.
static void encode_nothing(coarse_place item, uint8_t *residual, uint8_t *row) {
    *item.base = 0;
    *item.scale8 = *item.scale = *item.error2 = 0;
    *item.error4 = upper_bf16(__builtin_inff());
    const float left[8] = {0, 0, 0, 0, 0, __builtin_inff(), 0, 0};
    __builtin_memcpy(residual, left, sizeof left);
    const float fine[4] = {0, 0, __builtin_inff(), 0};
    __builtin_memcpy(row, fine, sizeof fine);
}

static void encode_fine(const pk_code_plan *plan, const double *y, double norm, double base, uint8_t *row,
                        double *scratch) {
    const widths n = widths_of(plan);
    const size_t d = plan->d;
    double even[d], weights[d];
    for (size_t j = 0; j < d; j++) weights[j] = weight(plan, n, j);
    for (size_t j = 0; j < d; j++) even[j] = y[j] / weights[j];
    const float scale = scale_of(even, d);
    eight_bits(even, d, scale, row + 4 * sizeof(float), scratch);
    for (size_t j = 0; j < d; j++) even[j] = y[j] - (double)scale * weights[j] * scratch[j];
    const float fields[4] = {(float)(base * (1 - 0x1p-23)), scale, upper(length(even, d), norm),
                             upper((double)scale * length(scratch, d), 0)};
    __builtin_memcpy(row, fields, sizeof fields);
}

void pk_encode_block(const pk_code_plan *plan, const float *axes, uint64_t seed, const float *means,
                     const double *bases, const float *centroid, float *centred, double *rotated, void *coarse,
                     void *residual, void *fine) {
    const size_t d = plan->d, size = pk_fine_row_size(d), residual_size = pk_residual_row_size(d);
    __builtin_memset(coarse, 0, PK_BLOCK * pk_coarse_row_size(plan));
    __builtin_memset(residual, 0, PK_BLOCK * residual_size);
    __builtin_memset(fine, 0, PK_BLOCK * size);
    for (size_t i = 0; i < PK_BLOCK; i++)
        for (size_t j = 0; j < d; j++) centred[i * d + j] = means[i * d + j] - centroid[j];
    if (axes) pk_kernels_best()->matmul_f64(centred, axes, PK_BLOCK, d, d, 0, rotated);
    double scratch[d + 1];
    for (size_t i = 0; i < PK_BLOCK; i++) {
        double *y = rotated + i * d;
        if (!axes) {
            for (size_t j = 0; j < d; j++) y[j] = centred[i * d + j];
            pk_rotate(y, d, seed);
        }
        double norm = length(y, d);
        const coarse_place item = place_of(plan, coarse, i);
        uint8_t *left = (uint8_t *)residual + i * residual_size, *row = (uint8_t *)fine + i * size;
        if (norm < largest_norm && bases[i] < largest_base) {  // false for NaN
            encode_coarse(plan, y, norm, bases[i], item, scratch);
            encode_residual(plan, scratch, norm, item, left);
            encode_fine(plan, y, norm, bases[i], row, scratch);
        } else {
            encode_nothing(item, left, row);
        }
    }
}
