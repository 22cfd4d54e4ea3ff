// Means to short codes with proven errors, and queries to integers: compiled for the baseline alone, so that every machine
// writes the same bytes. See CKernels.h for the layout.
#include "CKernels.h"

#pragma clang fp contract(off)

/// The levels of the best 16-level quantiser of a normal distribution (Max, 1960), as multiples of 2.733 / 63, plus 64.
const uint8_t pk_levels4[16] = {1, 16, 27, 35, 42, 49, 55, 61, 67, 73, 79, 86, 93, 101, 112, 127};

/// What one step of the integers stands for, as a multiple of the spread of what is coded. The four levels of two bits,
/// -3, -1, 1 and 3, are those of the best even quantiser (Max, 1960).
static const double step4 = 2.733 / 63, step2 = 0.9957 / 2;

/// Widens a bound beyond all rounding of the float arithmetic it goes through.
static const double widened = 1 + 0x1p-20;
/// Items whose numbers leave this range are not coded: their bound is minus infinity.
static const double largest_norm = 1e12, largest_base = 1e25;
/// Below this nothing is coded, but counted as error.
static const double negligible = 0x1p-100;

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/// Dimensions in eight, four and two bits: those at the end may be fewer than the chunks hold.
typedef struct {
    size_t eight, four, two;
} widths;

static widths widths_of(const pk_code_plan *plan) {
    size_t eight = least(plan->d, 4 * plan->chunks8);
    size_t four = least(plan->d - eight, 8 * plan->chunks4);
    return (widths){eight, four, plan->d - eight - four};
}

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

// Sums and the largest are taken eight at a time, in an order that is fixed: none waits for the one before.

static double dot(const double *x, const double *y, size_t n) {
    double sums[8] = {0};
    size_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (size_t t = 0; t < 8; t++) sums[t] += x[j + t] * y[j + t];
    for (size_t t = 0; j + t < n; t++) sums[t] += x[j + t] * y[j + t];
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

static double squared(const double *x, size_t n) { return dot(x, x, n); }

static double length(const double *x, size_t n) { return __builtin_sqrt(squared(x, n)); }

static double largest(const double *x, size_t n) {
    double tops[8] = {0}, top = 0;
    for (size_t j = 0; j + 8 <= n; j += 8)
        for (size_t t = 0; t < 8; t++) {
            double size = __builtin_fabs(x[j + t]);
            tops[t] = size > tops[t] ? size : tops[t];
        }
    for (size_t j = n / 8 * 8; j < n; j++) top = __builtin_fabs(x[j]) > top ? __builtin_fabs(x[j]) : top;
    for (size_t t = 0; t < 8; t++) top = tops[t] > top ? tops[t] : top;
    return top;
}

/// The nearest integer, ties to even, of a number below 2^51: `rint` is a call where SSE4.1 is not taken for granted.
static inline double nearest(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

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

/// The expected size of what coarse codes leave of a number of each part: an eighth bit is worth 1/127 of the largest, about
/// 2.2 times the spread; the others by the squared errors of their quantisers (Max, 1960).
static double left_weight(const pk_code_plan *plan, widths n, size_t j) {
    return j < n.eight ? plan->weight8 * (2.2 / 127 * 0.28868)
                       : j < n.eight + n.four ? plan->weight4 * 0.09747 : plan->weight2 * 0.34467;
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

/// Each number on the scale of its part: what makes eight bits serve all alike.
static float weight(const pk_code_plan *plan, widths n, size_t j) {
    return j < n.eight ? plan->weight8 : j < n.eight + n.four ? plan->weight4 : plan->weight2;
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

/// x = step * integers + rest, the largest becoming 127; returns the step.
static double split(double *x, size_t n, int8_t *integers, int32_t *sum) {
    double top = largest(x, n), step = top / 127, inverse = step > 1e-300 ? 1 / step : 0;
    *sum = 0;
    for (size_t j = 0; j < n; j++) {
        double k = nearest(x[j] * inverse);
        integers[j] = (int8_t)k;
        *sum += (int32_t)k;
        x[j] -= step * k;
    }
    return step;
}

/// The share of an error's length that its projection on the query stays below, of n dimensions; 1 for certainty.
static double share(double deviations, size_t n) {
    double share = n > 0 ? deviations / __builtin_sqrt((double)n) : 1;
    return share < 1 ? share : 1;
}

/// The query for coarse codes. Under random errors codes are a little short on average, by these shares of themselves:
/// their error is orthogonal to them, not to what they stand for.
static void prepare_coarse(const pk_code_plan *plan, const double *p, double norm, double deviations, int8_t *integers,
                           pk_code_query *out) {
    const widths n = widths_of(plan);
    const int is_certain = deviations <= 0;
    const double short4 = is_certain ? 0 : 0.0096, short2 = is_certain ? 0 : 0.1348;
    double rest[plan->d + 1];
    __builtin_memset(integers, 0, pk_coarse_query_size(plan));
    __builtin_memcpy(rest, p, plan->d * sizeof *p);
    double *rest4 = rest + n.eight, *rest2 = rest4 + n.four;
    int8_t *low = integers + 4 * plan->chunks8, *four = low + 4 * plan->chunks8, *two = four + 8 * plan->chunks4;
    out->chunks8 = plan->chunks8;
    out->chunks4 = plan->chunks4;
    out->chunks2 = plan->chunks2;
    out->coarse = integers;
    out->step8 = (float)(2 * split(rest, n.eight, integers, &out->sum8));
    out->rest_step8 = (float)(2 * split(rest, n.eight, low, &out->rest_sum8));
    out->step4 = (float)(2 * split(rest4, n.four, four, &out->sum4) * plan->weight4 * step4 * (1 + short4));
    out->step2 = (float)(2 * split(rest2, n.two, two, &out->sum2) * plan->weight2 * step2 * (1 + short2));
    const double share8 = is_certain ? 1 : share(deviations, n.eight);
    const double share4 = is_certain ? 1 : share(deviations, n.four), share2 = is_certain ? 1 : share(deviations, n.two);
    // Rounding in the bounds is below 2^-21 of |q| |y|, of which the lengths below are upper bounds part by part.
    const double margin = norm * (0x1p-18 + 2 * plan->skew), root8 = __builtin_sqrt((double)n.eight);
    out->scale8_factor = (float)(root8 * (length(p, n.eight) * share8 * widened +
                                          127.5 * (2 * length(rest, n.eight) * widened + margin)));
    out->absolute = (float)(0x1p-100 * (1 + norm));
    out->size4_factor = (float)(2 * length(rest4, n.four) * widened + margin);
    out->size2_factor = (float)(2 * length(rest2, n.two) * widened + margin);
    out->error4_factor = (float)(2 * length(p + n.eight, n.four) * share4 * widened + margin);
    out->error2_factor = (float)(2 * length(p + n.eight + n.four, n.two) * share2 * widened + margin);
}

/// The query for residual codes. What a coarse bound took off for the errors of its codes is given back: a little less, and
/// not what it took off for the query's own rounding, which stays.
static void prepare_residual(const pk_code_plan *plan, const double *p, int8_t *integers, pk_code_query *out) {
    const widths n = widths_of(plan);
    const size_t d = plan->d;
    const double *parts[3] = {p, p + n.eight, p + n.eight + n.four};
    const size_t counts[3] = {n.eight, n.four, n.two};
    double rest[d + 1];
    for (int part = 0; part < 3; part++) {
        double twice = 2 * length(parts[part], counts[part]);
        out->residual_factors[part] = twice * (1 - 0x1p-18);
        out->residual_factors[4 + part] = -twice * widened;
    }
    out->residual_factors[0] *= __builtin_sqrt((double)n.eight) / 2;
    __builtin_memset(integers, 0, pk_residual_query_size(d));
    for (size_t j = 0; j < d; j++) rest[j] = p[j] * left_weight(plan, n, j);
    out->residual = integers;
    out->residual_step = 2 * split(rest, d, integers, &out->residual_sum);
    out->residual_factors[3] = -(2 * length(rest, d) * widened * 3 * __builtin_sqrt((double)d) + 0x1p-100);
    out->residual_factors[7] = 0;
}

/// x = step (128 top + rest) + what is left in x, top for the first 64 numbers alone: they are the largest by far, and with
/// one step for all little would be left of the others.
static void prepare_together(double *x, size_t d, int8_t *together, pk_code_query *out) {
    const size_t first = least(d, 64);
    const double far = largest(x + first, d - first) / 127, near = largest(x, first) / (127 * 128);
    const double step = far > near ? far : near, inverse = step > 1e-300 ? 1 / step : 0;
    int32_t sum = 0;
    __builtin_memset(together, 0, 64);
    for (size_t j = 0; j < d; j++) {
        double k = nearest(x[j] * inverse), top = j < first ? nearest(k / 128) : 0;
        double left = k - 128 * top;  // from -64 to 64 beside a top
        if (j < first) together[j] = (int8_t)top;
        together[64 + j] = (int8_t)left;
        sum += (int32_t)k;
        x[j] -= step * k;
    }
    out->together = together;
    out->together_sum = sum;
    out->together_step = 2 * step;
}

void pk_prepare_query(const pk_code_plan *plan, const double *p, double norm, double deviations, int8_t *coarse,
                      int8_t *residual, int8_t *high, int8_t *low, int8_t *together, pk_code_query *out) {
    const widths n = widths_of(plan);
    const size_t d = plan->d;
    prepare_coarse(plan, p, norm, deviations, coarse, out);
    prepare_residual(plan, p, residual, out);
    double rest[d + 1];
    for (size_t j = 0; j < d; j++) rest[j] = p[j] * (double)weight(plan, n, j);
    out->d = d;
    out->high = high;
    out->low = low;
    out->high_step = 2 * split(rest, d, high, &out->high_sum);
    out->low_step = 2 * split(rest, d, low, &out->low_sum);
    double heaviest = plan->weight8 > plan->weight4 ? plan->weight8 : plan->weight4;
    heaviest = heaviest > plan->weight2 ? heaviest : plan->weight2;
    const double margin = norm * (0x1p-18 + 2 * plan->skew);
    out->error_factor = (float)(2 * norm * widened + margin);
    out->length_factor = (float)(2 * length(rest, d) * widened + margin * heaviest);
    for (size_t j = 0; j < d; j++) rest[j] = p[j] * (double)weight(plan, n, j);
    prepare_together(rest, d, together, out);
    out->together_length_factor = (float)(2 * length(rest, d) * widened + margin * heaviest);
}
