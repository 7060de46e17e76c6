/* SPDX-License-Identifier: MIT */
/* A matrix product on one thread, or shared by the threads of a pool. Operands are packed once and
 * used by all threads. */
#ifndef LS_CPU_PRODUCT_H
#define LS_CPU_PRODUCT_H

#include "core_cpu/tile.h"
#include <stdatomic.h>

/* Largest number of parts that the rows × columns of a block are divided into. */
enum { LS_PRODUCT_PARTS = 1024, LS_PRODUCT_RING = 4 };

/* Progress of a shared product. */
typedef struct {
    atomic_size_t next; /* the first item that no thread has taken */
    /* finished items of stages, by stage modulo LS_PRODUCT_RING */
    atomic_size_t packed[LS_PRODUCT_RING], multiplied[LS_PRODUCT_RING];
    /* stages that a part's multiplications have finished */
    atomic_size_t finished[LS_PRODUCT_PARTS];
} ls_product_progress;

/* Before the threads start. */
void ls_product_begin(ls_product_progress *progress);

/* Takes and computes items until none is left; to be called by up to `threads` threads, at least
 * two, with equal arguments. scratch: 2 × LS_MATMUL_SCRATCH floats, the same for all. */
void ls_product_share(const ls_cpu_tile *tile, const ls_matmul *p, size_t threads,
                      ls_product_progress *progress, float *scratch);

/* The whole product. scratch: LS_MATMUL_SCRATCH floats. */
void ls_product_alone(const ls_cpu_tile *tile, const ls_matmul *p, float *scratch);

#endif
