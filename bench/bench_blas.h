/* SPDX-License-Identifier: MIT */
#ifndef LS_BENCH_BLAS_H
#define LS_BENCH_BLAS_H

#include "bench/bench.h"

enum { BENCH_PEERS = 3 };

/* A library that multiplies matrices; one of the two calls is there. */
typedef struct {
    const char *name;
    void (*blas)(const char *, const char *, const int *, const int *, const int *, const float *,
                 const float *, const int *, const float *, const int *, const float *, float *,
                 const int *);
    int (*dnnl)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *,
                int64_t, float, float *, int64_t);
} bench_blas;

/* The libraries that are installed, or the one that --peer names; their number. */
size_t bench_blas_find(const bench_options *o, bench_blas list[BENCH_PEERS]);

/* Whether a library computes c[m × n] = a·b; ta: a lies as k × m, tb: b lies as n × k. c is
 * written. */
bool bench_blas_right(const bench_blas *peer, bool ta, bool tb, size_t m, size_t n, size_t k,
                      const float *a, const float *b, float *c);

/* Seconds of one such product, over count of them. Waits afterwards until the library's threads
 * have gone to sleep. */
double bench_blas_time(const bench_blas *peer, bool ta, bool tb, size_t m, size_t n, size_t k,
                       const float *a, const float *b, float *c, uint64_t count);

#endif
