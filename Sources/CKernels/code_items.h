// What the codes of an item are made with at every instruction set: limits, bounds rounded up, and where its codes lie.
#pragma once
#include "code_parts.h"

/// Items whose numbers leave this range are not coded: their bound is minus infinity.
static const double largest_norm = 1e12, largest_base = 1e25;
/// Below this nothing is coded, but counted as error.
static const double negligible = 0x1p-100;

/// A bound of an error, rounded up. The rotation's own rounding is far below 2^-40 of the norm.
static inline float upper(double error, double norm) {
#pragma clang fp contract(off)
    return (float)(error * widened + norm * 0x1p-40 + negligible);
}

static inline uint32_t bits_of(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float widen(uint16_t x) {
    const uint32_t bits = (uint32_t)x << 16;
    float widened;
    __builtin_memcpy(&widened, &bits, sizeof widened);
    return widened;
}

/// The bfloat16 number that is nearest to a finite one, or the least that is not below it, for numbers from 0 to
/// infinity.
static inline uint16_t nearest_bf16(float x) { return (uint16_t)((bits_of(x) + 0x8000) >> 16); }
static inline uint16_t upper_bf16(float x) { return (uint16_t)((bits_of(x) + 0xFFFF) >> 16); }

/// The scale at which the largest of some numbers is 127.
static inline float scale_of(const double *x, size_t n) {
    double top = largest(x, n);
    return top > 0x1p-120 ? (float)(top / 127) : 0;
}

/// Halfway between the levels.
static const double borders4[15] = {-55.5, -42.5, -33, -25.5, -18.5, -12, -6, 0, 6, 12, 18.5, 25.5, 33, 42.5, 55.5};

/// Where item i of a coarse column lies.
typedef struct {
    /// The largest lengths, of all items of the column.
    float *sizes;
    float *base;
    uint16_t *scale8, *scale, *error4, *error2;
    /// The first of its bytes in chunk 0.
    uint8_t *codes;
} coarse_place;

static inline coarse_place place_of(const pk_code_plan *plan, void *column, size_t i) {
    const size_t size = PK_GROUP_FIELDS + 128 * (plan->chunks8 + plan->chunks4 + plan->chunks2);
    uint8_t *group = (uint8_t *)column + PK_BLOCK + i / 32 * size;
    uint16_t *halves = (uint16_t *)(group + 32 * sizeof(float)) + i % 32;
    return (coarse_place){column,      (float *)group + i % 32, halves, halves + 32, halves + 64,
                          halves + 96, group + PK_GROUP_FIELDS + i % 32 * 4};
}

/// What is left has longer tails than a normal distribution: the best step, in a search over random means.
static const double left_step = 0.9 * 0.9957 / 2;

/// What is not coded has an infinite error: nothing can be said of it.
static inline void encode_nothing(coarse_place item, uint8_t *residual, uint8_t *row) {
    *item.base = 0;
    *item.scale8 = *item.scale = *item.error2 = 0;
    *item.error4 = upper_bf16(__builtin_inff());
    const float left[8] = {0, 0, 0, 0, 0, __builtin_inff(), 0, 0};
    __builtin_memcpy(residual, left, sizeof left);
    const float fine[4] = {0, 0, __builtin_inff(), 0};
    __builtin_memcpy(row, fine, sizeof fine);
}
