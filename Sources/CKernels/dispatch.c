// Compiles kernels.inc once per instruction set and picks a table at run time.
#include "code_items.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define PK_NAME(x) x##_portable
#define PK_LANES 4
#define PK_LEVEL_NAME "portable"
#include "kernels.inc"
#undef PK_NAME
#undef PK_LANES
#undef PK_LEVEL_NAME

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define PK_NAME(x) x##_avx2
#define PK_LANES 8
#define PK_LEVEL_NAME "avx2"
#include "kernels.inc"
#undef PK_NAME
#undef PK_LANES
#undef PK_LEVEL_NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c"))), apply_to = function)
#define PK_NAME(x) x##_avx512
#define PK_LANES 16
#define PK_LEVEL_NAME "avx512"
#include "kernels.inc"
#undef PK_NAME
#undef PK_LANES
#undef PK_LEVEL_NAME
#pragma clang attribute pop

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,fma,f16c"))), apply_to = function)
#define PK_NAME(x) x##_avx512vnni
#define PK_LANES 16
#define PK_VNNI
#define PK_LEVEL_NAME "avx512vnni"
#include "kernels.inc"
#undef PK_NAME
#undef PK_LANES
#undef PK_VNNI
#undef PK_LEVEL_NAME
#pragma clang attribute pop

static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static int has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static int has_avx512vnni(void) {
    return has_avx512() && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi");
}

const pk_kernels *pk_kernels_at(pk_level level) {
    __builtin_cpu_init();
    switch (level) {
    case pk_level_portable: return &table_portable;
    case pk_level_avx2: return has_avx2() ? &table_avx2 : NULL;
    case pk_level_avx512: return has_avx512() ? &table_avx512 : NULL;
    case pk_level_avx512vnni: return has_avx512vnni() ? &table_avx512vnni : NULL;
    }
    return NULL;
}

#else

const pk_kernels *pk_kernels_at(pk_level level) { return level == pk_level_portable ? &table_portable : NULL; }

#endif

static const pk_kernels *_Atomic chosen;

void pk_kernels_use(const pk_kernels *table) { chosen = table; }

const pk_kernels *pk_kernels_best(void) {
    const pk_kernels *table = chosen;
    for (int level = pk_level_avx512vnni; !table; level--) table = pk_kernels_at((pk_level)level);
    chosen = table;
    return table;
}
