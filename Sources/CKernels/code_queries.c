// Queries to the integers that are multiplied with short codes, and to what the bounds need: see CKernels.h.
#include "code_parts.h"

#pragma clang fp contract(off)

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
    __builtin_memset(together, 0, 64 + (d + 15) / 16 * 16);
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
    double weighted[d + 1], rest[d + 1];
    for (size_t j = 0; j < d; j++) weighted[j] = rest[j] = p[j] * (double)weight(plan, n, j);
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
    prepare_together(weighted, d, together, out);
    out->together_length_factor = (float)(2 * length(weighted, d) * widened + margin * heaviest);
}
