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
    return 1 + 5 * sizeof(float) + 4 * (plan->chunks8 + plan->chunks4 + plan->chunks2);
}

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

static double squared(const double *x, size_t n) {
    double square = 0;
    for (size_t j = 0; j < n; j++) square += x[j] * x[j];
    return square;
}

static double length(const double *x, size_t n) { return __builtin_sqrt(squared(x, n)); }

static double largest(const double *x, size_t n) {
    double top = 0;
    for (size_t j = 0; j < n; j++) top = __builtin_fabs(x[j]) > top ? __builtin_fabs(x[j]) : top;
    return top;
}

/// A bound of an error, rounded up. The rotation's own rounding is far below 2^-40 of the norm.
static float upper(double error, double norm) { return (float)(error * widened + norm * 0x1p-40 + negligible); }

/// x = scale * integer, the largest becoming 127; 128 is added to what is stored.
static float eight_bits(const double *x, size_t n, uint8_t *codes, double *integers) {
    double top = largest(x, n);
    float scale = top > 0x1p-120 ? (float)(top / 127) : 0;
    double inverse = scale > 0 ? 1 / (double)scale : 0;
    for (size_t j = 0; j < n; j++) {
        double k = __builtin_rint(x[j] * inverse);
        integers[j] = k > 127 ? 127 : k < -127 ? -127 : k;
        codes[j] = (uint8_t)((int)integers[j] + 128);
    }
    return scale;
}

static unsigned level4(double z) {
    unsigned code = 0;
    for (unsigned step = 8; step > 0; step /= 2)
        code += z > (double)(pk_levels4[code + step - 1] + pk_levels4[code + step] - 128) / 2 ? step : 0;
    return code;
}

static unsigned level2(double z) { return z > 0 ? z > 2 ? 3 : 2 : z > -2 ? 1 : 0; }

/// The fields of a coarse column, by item.
typedef struct {
    float *sizes, *base, *scale8, *scale, *error4, *error2;
} coarse_fields;

static coarse_fields fields_of(void *column) {
    float *sizes = column, *base = sizes + PK_BLOCK / 4;
    return (coarse_fields){sizes,
                           base,
                           base + PK_BLOCK,
                           base + 2 * PK_BLOCK,
                           base + 3 * PK_BLOCK,
                           base + 4 * PK_BLOCK};
}

/// Four and two bits of item i: the nearest levels on the item's own scale, then the scale that leaves the least error.
static void encode_levels(const pk_code_plan *plan, widths n, const double *y, double norm, size_t i, uint8_t *group,
                          double *k, coarse_fields fields) {
    const double unit4 = plan->weight4 * step4, unit2 = plan->weight2 * step2;
    double expected = (double)n.four * plan->weight4 * plan->weight4 + (double)n.two * plan->weight2 * plan->weight2;
    double own = expected > 0 ? length(y, n.four + n.two) / __builtin_sqrt(expected) : 0;
    double inverse4 = own * unit4 > 0 ? 1 / (own * unit4) : 0, inverse2 = own * unit2 > 0 ? 1 / (own * unit2) : 0;
    double product = 0;
    group += i % 32 * 4;
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
    for (size_t j = 0; j < n.four + n.two; j++) product += k[j] * y[j];
    double square4 = squared(k, n.four), square2 = squared(k + n.four, n.two);
    float scale = square4 + square2 > 0 && own > negligible ? (float)(product / (square4 + square2)) : 0;
    float size4 = (float)(__builtin_sqrt(square4) * widened), size2 = (float)(__builtin_sqrt(square2) * widened);
    for (size_t j = 0; j < n.four + n.two; j++) k[j] = y[j] - (double)scale * k[j];
    fields.scale[i] = scale;
    fields.error4[i] = upper(length(k, n.four), norm);
    fields.error2[i] = n.two > 0 ? upper(length(k + n.four, n.two), norm) : 0;
    fields.sizes[0] = size4 > fields.sizes[0] ? size4 : fields.sizes[0];
    fields.sizes[1] = size2 > fields.sizes[1] ? size2 : fields.sizes[1];
}

static void encode_coarse(const pk_code_plan *plan, const double *y, double norm, double base, size_t i, void *column,
                          double *scratch) {
    const widths n = widths_of(plan);
    coarse_fields fields = fields_of(column);
    uint8_t *codes = (uint8_t *)(fields.error2 + PK_BLOCK);
    uint8_t *group = codes + i / 32 * (plan->chunks8 + plan->chunks4 + plan->chunks2) * 128;
    fields.base[i] = (float)(base * (1 - 0x1p-23));
    uint8_t eight[n.eight + 1];
    fields.scale8[i] = eight_bits(y, n.eight, eight, scratch);
    for (size_t j = 0; j < n.eight; j++) group[j / 4 * 128 + i % 32 * 4 + j % 4] = eight[j];
    encode_levels(plan, n, y + n.eight, norm, i, group + plan->chunks8 * 128, scratch, fields);
}

/// What is not coded has an infinite error: nothing can be said of it.
static void encode_nothing(size_t i, void *column, uint8_t *row) {
    coarse_fields fields = fields_of(column);
    fields.base[i] = fields.scale8[i] = fields.scale[i] = fields.error2[i] = 0;
    fields.error4[i] = __builtin_inff();
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
    double even[d];
    for (size_t j = 0; j < d; j++) even[j] = y[j] / (double)weight(plan, n, j);
    float scale = eight_bits(even, d, row + 4 * sizeof(float), scratch);
    double error = 0, square = 0;
    for (size_t j = 0; j < d; j++) {
        double e = y[j] - (double)scale * (double)weight(plan, n, j) * scratch[j];
        error += e * e;
        square += scratch[j] * scratch[j];
    }
    const float fields[4] = {(float)(base * (1 - 0x1p-23)), scale, upper(__builtin_sqrt(error), norm),
                             upper((double)scale * __builtin_sqrt(square), 0)};
    __builtin_memcpy(row, fields, sizeof fields);
}

void pk_encode_block(const pk_code_plan *plan, const float *axes, uint64_t seed, const float *means,
                     const double *bases, const float *centroid, float *centred, double *rotated, void *coarse,
                     void *fine) {
    const size_t d = plan->d, size = pk_fine_row_size(d);
    __builtin_memset(coarse, 0, PK_BLOCK * pk_coarse_row_size(plan));
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
        uint8_t *row = (uint8_t *)fine + i * size;
        if (norm < largest_norm && bases[i] < largest_base) {  // false for NaN
            encode_coarse(plan, y, norm, bases[i], i, coarse, scratch);
            encode_fine(plan, y, norm, bases[i], row, scratch);
        } else {
            encode_nothing(i, coarse, row);
        }
    }
}

/// x = step * integers + rest, the largest becoming 127; returns the step.
static double split(double *x, size_t n, int8_t *integers, int32_t *sum) {
    double top = largest(x, n), step = top / 127, inverse = step > 1e-300 ? 1 / step : 0;
    *sum = 0;
    for (size_t j = 0; j < n; j++) {
        double k = __builtin_rint(x[j] * inverse);
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

void pk_prepare_query(const pk_code_plan *plan, const double *p, double norm, double deviations, int8_t *coarse,
                      int8_t *high, int8_t *low, pk_code_query *out) {
    const widths n = widths_of(plan);
    const size_t d = plan->d;
    prepare_coarse(plan, p, norm, deviations, coarse, out);
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
}
