/* SPDX-License-Identifier: MIT */
/* The fma rate of one instruction set; compiled once per instruction set, like core_cpu/isa.c. */
#include "core_cpu/vec.h"

#define LS_NAME(isa) LS_NAME_(isa)
#define LS_NAME_(isa) bench_peak_##isa
double LS_NAME(LS_ISA)(long rounds, float *out);

/* Runs rounds × 24 independent vector fmas; returns the operations done. */
double LS_NAME(LS_ISA)(long rounds, float *out)
{
    enum { CHAINS = 24 };
    vf acc[CHAINS], a = v_set(0.999f), b = v_set(0.001f);
#pragma GCC unroll 24
    for (int i = 0; i < CHAINS; i++) acc[i] = v_set((float)i);
    for (long r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS; i++) acc[i] = v_fma(acc[i], a, b);
    for (int i = 1; i < CHAINS; i++)
        acc[0] = v_add(acc[0], acc[i]); /* uses every chain, so that none is optimized away */
    v_store(out, acc[0]);
    return 2.0 * (double)rounds * CHAINS * VW;
}
