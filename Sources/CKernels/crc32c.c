// CRC-32C: the hardware instruction where there is one, a table elsewhere.
#include "CKernels.h"

static uint32_t table_step(uint32_t crc, uint8_t byte) {
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
    return crc;
}

static uint32_t crc_portable(uint32_t crc, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) crc = table_step(crc, bytes[i]);
    return crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const uint8_t *bytes, size_t n) {
    uint64_t wide = crc;
    for (; n >= 8; n -= 8, bytes += 8) {
        uint64_t word;
        __builtin_memcpy(&word, bytes, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; n > 0; n--, bytes++) crc = __builtin_ia32_crc32qi(crc, *bytes);
    return crc;
}

uint32_t pk_crc32c(uint32_t crc, const void *bytes, size_t n) {
    __builtin_cpu_init();
    crc = ~crc;
    crc = __builtin_cpu_supports("sse4.2") ? crc_sse42(crc, bytes, n) : crc_portable(crc, bytes, n);
    return ~crc;
}

#else

uint32_t pk_crc32c(uint32_t crc, const void *bytes, size_t n) { return ~crc_portable(~crc, bytes, n); }

#endif
