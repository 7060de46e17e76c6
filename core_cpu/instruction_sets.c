/* SPDX-License-Identifier: MIT */
#include "core_cpu/instruction_sets.h"

const ls_cpu_kernels *ls_cpu_kernels_at(size_t i)
{
    const ls_cpu_kernels *list[4];
    size_t n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        list[n++] = &ls_cpu_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        list[n++] = &ls_cpu_kernels_avx2;
#endif
    list[n++] = &ls_cpu_kernels_generic;
    return i < n ? list[i] : NULL;
}
