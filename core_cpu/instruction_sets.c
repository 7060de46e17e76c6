/* SPDX-License-Identifier: MIT */
#include "core_cpu/instruction_sets.h"
#if defined(__x86_64__)
#include <cpuid.h>

/* Zen 4 (family 25 with AVX-512) runs instructions of 512 bits as two of 256 bits: one fma per
 * cycle, and one load. A tile of 6 × 64 needs 10 loads for 24 fma, one of 12 × 32 needs 14. */
static bool halves_vectors(void)
{
    unsigned a, b, c, d;
    if (!__builtin_cpu_is("amd") || !__get_cpuid(1, &a, &b, &c, &d)) return false;
    const unsigned family = (a >> 8 & 15) + (a >> 20 & 255);
    return family == 25;
}
#endif

bool ls_cpu_set_at(size_t i, ls_cpu_set *out)
{
    ls_cpu_set list[8];
    size_t n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        const ls_cpu_kernels *k = &ls_cpu_kernels_avx512;
        const bool wide = halves_vectors();
        list[n++] = (ls_cpu_set){"avx512", k,
                                 wide ? &ls_cpu_tile_avx512_6x64 : &ls_cpu_tile_avx512};
        list[n++] = wide ? (ls_cpu_set){"avx512-12x32", k, &ls_cpu_tile_avx512}
                         : (ls_cpu_set){"avx512-6x64", k, &ls_cpu_tile_avx512_6x64};
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        list[n++] = (ls_cpu_set){"avx2", &ls_cpu_kernels_avx2, &ls_cpu_tile_avx2};
#endif
    list[n++] = (ls_cpu_set){"generic", &ls_cpu_kernels_generic, &ls_cpu_tile_generic};
    if (i < n) *out = list[i];
    return i < n;
}
