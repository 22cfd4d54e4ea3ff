// A plain loop of loads, compiled for each width of register; no software prefetch, which was slower wherever it was tried.
#include "CReading.h"
#include <string.h>

typedef uint64_t line __attribute__((vector_size(64), aligned(64), may_alias));

#define READ(name, attributes)                                                                                         \
    attributes static uint64_t name(const uint8_t *start, size_t bytes) {                                              \
        uint64_t sum = 0, word = 0;                                                                                    \
        const uint8_t *end = start + bytes;                                                                            \
        for (; start < end && (uintptr_t)start % 64; start++) sum ^= *start;                                           \
        line a = {0}, b = {0}, c = {0}, d = {0};                                                                       \
        for (; end - start >= 256; start += 256) {                                                                     \
            const line *lines = (const line *)start;                                                                   \
            a ^= lines[0];                                                                                             \
            b ^= lines[1];                                                                                             \
            c ^= lines[2];                                                                                             \
            d ^= lines[3];                                                                                             \
        }                                                                                                              \
        a ^= b ^ c ^ d;                                                                                                \
        for (int i = 0; i < 8; i++) sum ^= a[i];                                                                       \
        for (; end - start >= 8; start += 8) {                                                                         \
            memcpy(&word, start, 8);                                                                                   \
            sum ^= word;                                                                                               \
        }                                                                                                              \
        for (; start < end; start++) sum ^= *start;                                                                    \
        return sum;                                                                                                    \
    }

READ(read_any, )
#if defined(__x86_64__)
READ(read_avx2, __attribute__((target("avx2"))))
READ(read_avx512, __attribute__((target("avx512f"))))
#endif

uint64_t reading_pieces(const void *const *pieces, size_t count, size_t bytes, int is_reversed) {
    uint64_t (*read)(const uint8_t *, size_t) = read_any;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        read = read_avx512;
    } else if (__builtin_cpu_supports("avx2")) {
        read = read_avx2;
    }
#endif
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const void *piece = pieces[is_reversed ? count - 1 - i : i];
        if (piece) sum ^= read(piece, bytes);
    }
    return sum;
}
