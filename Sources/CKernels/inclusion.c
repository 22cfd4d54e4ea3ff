// Log variances to half-precision variances, and a query Gaussian to what inclusion.inc takes: compiled for the baseline
// alone, so that every machine writes the same bytes. See CKernels.h for the layout.
#include "CKernels.h"

#pragma clang fp contract(off)

/// Log variances outside are not coded: their variances leave Float32's normal range.
static const float smallest_log = -86, largest_log = 86;

size_t pk_half_stride(size_t d) { return (d + 31) / 32 * 32; }

size_t pk_half_row_size(size_t d) { return sizeof(double) + sizeof(float) + 2 * pk_half_stride(d); }

/// e^x for x in [-86, 86] to 2^-21: as kernels.inc, but in one fixed order of operations.
static inline float exponential(float x) {
    const float to_integer = 12582912.0f;  // 1.5 * 2^23: adding it rounds to the nearest integer
    float shifted = x * 1.44269504088896341f + to_integer;
    float n = shifted - to_integer;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.395059940e-03f * r + 8.368953797e-03f;
    p = p * r + 4.166620418e-02f;
    p = p * r + 1.666651830e-01f;
    p = p * r + 5.000000096e-01f;
    p = p * r * r + r + 1.0f;
    int32_t bits;
    __builtin_memcpy(&bits, &shifted, sizeof bits);
    bits = (int32_t)((uint32_t)(bits + 127) << 23);
    float scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

/// Half precision of a number in [2^-14, 65504], rounded to nearest, ties to even.
static inline uint16_t half(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    bits -= 112u << 23;
    return (uint16_t)((bits + 0xFFF + (bits >> 13 & 1)) >> 13);
}

/// The power of two that brings the largest variance into [2^14, 2^15).
static float scale_of(float largest) {
    uint32_t bits;
    __builtin_memcpy(&bits, &largest, sizeof bits);
    uint32_t exponent = bits >> 23;  // biased by 127; below 14 the scale would be subnormal
    if (exponent < 15) return 0;
    bits = (exponent - 14) << 23;
    float scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    return scale;
}

/// One row; 0, and the row zero, where half precision cannot hold it.
static float encode_row(const float *log_variances, size_t d, float *variances, uint16_t *row, double *sum) {
    float low = __builtin_inff(), high = -__builtin_inff();
    int is_number = 1;
    for (size_t j = 0; j < d; j++) {
        float x = log_variances[j];
        is_number &= x >= smallest_log && x <= largest_log;  // false for NaN
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    double sums[8] = {0};
    *sum = 0;
    if (!is_number) return 0;
    for (size_t j = 0; j < d; j++) sums[j % 8] += (double)log_variances[j];
    *sum = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    for (size_t j = 0; j < d; j++) variances[j] = exponential(log_variances[j]);
    float scale = scale_of(exponential(high));
    if (!(exponential(low) >= 0x1p-13f * scale)) return 0;  // too wide a spread for normal halves
    float inverse = 1 / scale;
    for (size_t j = 0; j < d; j++) row[j] = half(variances[j] * inverse);
    return scale;
}

void pk_encode_halves(const float *log_variances, size_t d, float *scratch, void *column) {
    __builtin_memset(column, 0, PK_BLOCK * pk_half_row_size(d));
    double *sums = column;
    float *scales = (float *)(sums + PK_BLOCK);
    uint16_t *rows = (uint16_t *)(scales + PK_BLOCK);
    for (size_t i = 0; i < PK_BLOCK; i++)
        scales[i] = encode_row(log_variances + i * d, d, scratch, rows + i * pk_half_stride(d), &sums[i]);
}

int pk_prepare_inclusion(const float *mean, const double *variances, double log_sum, size_t d, float *mean_out,
                         float *variance_out, pk_inclusion_query *out) {
    double low = __builtin_inf(), high = 0, square = 0;
    for (size_t j = 0; j < d; j++) {
        low = variances[j] < low ? variances[j] : low;
        high = variances[j] > high ? variances[j] : high;
        square += (double)mean[j] * (double)mean[j];
    }
    // The middle of the exponents becomes 1, so that all lie within 2^28 of it.
    if (!(low > 0x1p-60 && high < 0x1p60 && square < 0x1p40)) return 0;
    int unit = (__builtin_ilogb(low) + __builtin_ilogb(high)) / 2;
    double scale = __builtin_ldexp(1, -unit);
    if (!(low * scale >= 0x1p-27 && high * scale <= 0x1p27)) return 0;
    size_t padded = (d + 15) / 16 * 16;
    for (size_t j = 0; j < padded; j++) {
        mean_out[j] = j < d ? mean[j] : 0;
        variance_out[j] = j < d ? (float)(variances[j] * scale) : 1;
    }
    out->d = d;
    out->mean = mean_out;
    out->variance = variance_out;
    out->log_sum = log_sum;
    out->log_unit = unit * 0x1.62e42fefa39efp-1;
    out->inverse_unit = scale;
    return 1;
}
