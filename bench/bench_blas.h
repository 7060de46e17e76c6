/* SPDX-License-Identifier: MIT */
/* Matrix products of other libraries, which are loaded at run time and use the same number of
 * threads. */
#ifndef LS_BENCH_BLAS_H
#define LS_BENCH_BLAS_H

#include "bench/common.h"

enum { BENCH_PEERS = 3 };

/* A library that multiplies matrices, by one of two functions; the other is NULL. */
typedef struct {
    const char *name;
    void (*blas)(const char *, const char *, const int *, const int *, const int *, const float *,
                 const float *, const int *, const float *, const int *, const float *, float *,
                 const int *);
    int (*dnnl)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *,
                int64_t, float, float *, int64_t);
} bench_blas;

/* Loads the installed libraries, or the one that --peer names; returns their number. */
size_t bench_blas_find(const bench_options *o, bench_blas list[BENCH_PEERS]);

/* Checks that a library computes c[m × n] = a·b correctly; ta: a is stored as k × m, tb: b as n ×
 * k. Overwrites c. */
bool bench_blas_right(const bench_blas *peer, bool ta, bool tb, size_t m, size_t n, size_t k,
                      const float *a, const float *b, float *c);

/* Mean seconds of such a product over count products. Then waits until the library's threads sleep.
 */
double bench_blas_time(const bench_blas *peer, bool ta, bool tb, size_t m, size_t n, size_t k,
                       const float *a, const float *b, float *c, uint64_t count);

#endif
