// Means to short codes with proven errors, and queries to integers: compiled for the baseline alone, so that every machine
// writes the same bytes. See CKernels.h for the layout.
#include "CKernels.h"

#pragma clang fp contract(off)

/// The levels of the best 16-level quantiser of a normal distribution (Max, 1960), as multiples of 2.733 / 63, plus 64.
const uint8_t pk_levels4[16] = {1, 16, 27, 35, 42, 49, 55, 61, 67, 73, 79, 86, 93, 101, 112, 127};

/// Widens a bound beyond all rounding of the float arithmetic it goes through.
static const double widened = 1 + 0x1p-20;
/// Items whose numbers leave this range are not coded: their bound is minus infinity.
static const double largest_norm = 1e12, largest_base = 1e25;

size_t pk_row_size4(size_t d) { return 4 * sizeof(float) + (d + 7) / 8 * 4; }

size_t pk_row_size8(size_t d) { return 4 * sizeof(float) + (d + 15) / 16 * 16; }

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

/// What is kept beside a code.
typedef struct {
    float base, scale, error, length;
} scalars;

static const scalars uncoded = {0, 0, __builtin_inff(), 0};

static scalars summary(double base, float scale, double error, double length, double norm) {
    // The rotation's own rounding is far below 2^-40 of the norm.
    scalars s = {(float)(base * (1 - 0x1p-23)), scale, (float)(error * widened + norm * 0x1p-40 + 0x1p-120),
                 (float)(length * widened + 0x1p-120)};
    return s;
}

static unsigned level(double z) {
    unsigned code = 0;
    for (unsigned step = 8; step > 0; step /= 2)
        code += z > (double)(pk_levels4[code + step - 1] + pk_levels4[code + step] - 128) / 2 ? step : 0;
    return code;
}

/// Four bits: the nearest level on the item's own scale, then the scale that leaves the least error.
static scalars encode4(const double *y, size_t d, double norm, double base, uint8_t *codes) {
    double unit = norm / __builtin_sqrt((double)d) * (2.733 / 63);
    double inverse = unit > 0 ? 1 / unit : 0;
    double product = 0, square = 0;
    for (size_t j = 0; j < d; j++) {
        unsigned code = level(y[j] * inverse);
        double k = (double)pk_levels4[code] - 64;
        codes[j / 8 * 128 + j % 4] |= (uint8_t)(code << (j % 8 / 4 * 4));
        product += k * y[j];
        square += k * k;
    }
    float scale = (float)(product / square);
    double error = 0;
    for (size_t j = 0; j < d; j++) {
        unsigned code = codes[j / 8 * 128 + j % 4] >> (j % 8 / 4 * 4) & 15;
        double e = y[j] - (double)scale * ((double)pk_levels4[code] - 64);
        error += e * e;
    }
    return summary(base, scale, __builtin_sqrt(error), scale * __builtin_sqrt(square), norm);
}

/// Eight bits: the largest number of the item becomes 127.
static scalars encode8(const double *y, size_t d, double norm, double base, uint8_t *codes) {
    double top = 0;
    for (size_t j = 0; j < d; j++) top = __builtin_fabs(y[j]) > top ? __builtin_fabs(y[j]) : top;
    float scale = (float)(top / 127);
    double inverse = scale > 0 ? 1 / (double)scale : 0, error = 0, square = 0;
    for (size_t j = 0; j < d; j++) {
        double k = __builtin_rint(y[j] * inverse);
        k = k > 127 ? 127 : k < -127 ? -127 : k;
        codes[j] = (uint8_t)((int)k + 128);
        double e = y[j] - (double)scale * k;
        error += e * e;
        square += k * k;
    }
    return summary(base, scale, __builtin_sqrt(error), scale * __builtin_sqrt(square), norm);
}

void pk_encode_block(const float *means, const double *bases, const float *centroid, uint64_t seed, size_t d,
                     double *y, void *column4, void *column8) {
    __builtin_memset(column4, 0, PK_BLOCK * pk_row_size4(d));
    __builtin_memset(column8, 0, PK_BLOCK * pk_row_size8(d));
    float *fields = column4;
    uint8_t *groups = (uint8_t *)(fields + 4 * PK_BLOCK);
    for (size_t i = 0; i < PK_BLOCK; i++) {
        uint8_t *row = (uint8_t *)column8 + i * pk_row_size8(d);
        double square = 0;
        for (size_t j = 0; j < d; j++) {
            y[j] = (double)means[i * d + j] - (double)centroid[j];
            square += y[j] * y[j];
        }
        double norm = __builtin_sqrt(square);
        scalars coarse = uncoded, fine = uncoded;
        if (norm < largest_norm && bases[i] < largest_base) {  // false for NaN
            pk_rotate(y, d, seed);
            coarse = encode4(y, d, norm, bases[i], groups + i / 32 * ((d + 7) / 8) * 128 + i % 32 * 4);
            fine = encode8(y, d, norm, bases[i], row + sizeof(scalars));
        }
        fields[i] = coarse.base;
        fields[PK_BLOCK + i] = coarse.scale;
        fields[2 * PK_BLOCK + i] = coarse.error;
        fields[3 * PK_BLOCK + i] = coarse.length;
        __builtin_memcpy(row, &fine, sizeof fine);
    }
}

static double length(const double *x, size_t d) {
    double square = 0;
    for (size_t j = 0; j < d; j++) square += x[j] * x[j];
    return __builtin_sqrt(square);
}

/// x = step * integers + rest, the largest becoming 127; returns the step.
static double split(double *x, size_t d, int8_t *integers, int32_t *sum) {
    double top = 0;
    for (size_t j = 0; j < d; j++) top = __builtin_fabs(x[j]) > top ? __builtin_fabs(x[j]) : top;
    double step = top / 127, inverse = step > 1e-300 ? 1 / step : 0;
    *sum = 0;
    for (size_t j = 0; j < d; j++) {
        double k = __builtin_rint(x[j] * inverse);
        integers[j] = (int8_t)k;
        *sum += (int32_t)k;
        x[j] -= step * k;
    }
    for (size_t j = d; j < (d + 7) / 8 * 8; j++) integers[j] = 0;
    return step;
}

void pk_prepare_query(const double *p, size_t d, double certainty, int8_t *high, int8_t *low, pk_code_query *out) {
    double rest[d];
    __builtin_memcpy(rest, p, sizeof rest);
    double norm = length(p, d);
    out->d = d;
    out->high = high;
    out->low = low;
    out->high_step = 2 * split(rest, d, high, &out->high_sum);
    double left = length(rest, d);
    out->low_step = 2 * split(rest, d, low, &out->low_sum);
    // Rounding in the bounds is below 2^-21 of |p| (length + error) and of the base; each factor carries its share.
    double rounding = norm * 0x1p-18;
    out->error_factor = (float)(2 * norm * certainty * widened + rounding);
    out->length_factor4 = (float)(2 * left * certainty * widened + rounding);
    out->length_factor8 = (float)(2 * length(rest, d) * widened + rounding);
}
