// Double-precision sums in one fixed order: compiled for the baseline alone, so that every machine gives the same bytes.
#include "CKernels.h"

#pragma clang fp contract(off)

static double pairwise(const double s[8]) {
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

double pk_squared_distance_f64(const float *a, const float *b, size_t d) {
    double s[8] = {0};
    size_t i = 0;
    for (; i + 8 <= d; i += 8)
        for (size_t j = 0; j < 8; j++) {
            double difference = (double)a[i + j] - (double)b[i + j];
            s[j] += difference * difference;
        }
    for (size_t j = 0; i + j < d; j++) {
        double difference = (double)a[i + j] - (double)b[i + j];
        s[j] += difference * difference;
    }
    return pairwise(s);
}

double pk_dot_f64(const float *a, const float *b, size_t d) {
    double s[8] = {0};
    size_t i = 0;
    for (; i + 8 <= d; i += 8)
        for (size_t j = 0; j < 8; j++) s[j] += (double)a[i + j] * (double)b[i + j];
    for (size_t j = 0; i + j < d; j++) s[j] += (double)a[i + j] * (double)b[i + j];
    return pairwise(s);
}
