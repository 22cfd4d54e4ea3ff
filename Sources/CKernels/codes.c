// Short codes: their sizes, and the random rotation, compiled for the baseline alone. See CKernels.h for the layout,
// encode.inc for the codes, code_queries.c for the queries.
#include "CKernels.h"

#pragma clang fp contract(off)

/// The levels of the best 16-level quantiser of a normal distribution (Max, 1960), as multiples of 2.733 / 63, plus 64.
const uint8_t pk_levels4[16] = {1, 16, 27, 35, 42, 49, 55, 61, 67, 73, 79, 86, 93, 101, 112, 127};

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
