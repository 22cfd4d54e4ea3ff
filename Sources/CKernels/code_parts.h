// What short codes and the queries for them are both made with: the parts of a mean, their weights, and sums in a fixed order.
#pragma once
#include "CKernels.h"

/// What one step of the integers stands for, as a multiple of the spread of what is coded. The four levels of two bits,
/// -3, -1, 1 and 3, are those of the best even quantiser (Max, 1960).
static const double step4 = 2.733 / 63, step2 = 0.9957 / 2;

/// Widens a bound beyond all rounding of the float arithmetic it goes through.
static const double widened = 1 + 0x1p-20;

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }

/// Dimensions in eight, four and two bits: those at the end may be fewer than the chunks hold.
typedef struct {
    size_t eight, four, two;
} widths;

static inline widths widths_of(const pk_code_plan *plan) {
    size_t eight = least(plan->d, 4 * plan->chunks8);
    size_t four = least(plan->d - eight, 8 * plan->chunks4);
    return (widths){eight, four, plan->d - eight - four};
}

// Sums and the largest are taken eight at a time, in an order that is fixed: none waits for the one before.

static inline double dot(const double *x, const double *y, size_t n) {
#pragma clang fp contract(off)
    double sums[8] = {0};
    size_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (size_t t = 0; t < 8; t++) sums[t] += x[j + t] * y[j + t];
    for (size_t t = 0; j + t < n; t++) sums[t] += x[j + t] * y[j + t];
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

static inline double squared(const double *x, size_t n) { return dot(x, x, n); }

static inline double length(const double *x, size_t n) { return __builtin_sqrt(squared(x, n)); }

static inline double largest(const double *x, size_t n) {
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

/// The expected size of what coarse codes leave of a number of each part: an eighth bit is worth 1/127 of the largest, about
/// 2.2 times the spread; the others by the squared errors of their quantisers (Max, 1960).
static inline double left_weight(const pk_code_plan *plan, widths n, size_t j) {
    return j < n.eight ? plan->weight8 * (2.2 / 127 * 0.28868)
                       : j < n.eight + n.four ? plan->weight4 * 0.09747 : plan->weight2 * 0.34467;
}

/// Each number on the scale of its part: what makes eight bits serve all alike.
static inline float weight(const pk_code_plan *plan, widths n, size_t j) {
    return j < n.eight ? plan->weight8 : j < n.eight + n.four ? plan->weight4 : plan->weight2;
}
