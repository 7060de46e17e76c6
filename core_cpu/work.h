/* SPDX-License-Identifier: MIT */
/* The state of the CPU path: the backend, its members, and the operation being run. */
#ifndef LS_CPU_WORK_H
#define LS_CPU_WORK_H

#include "core_cpu/kernels.h"
#include "core_cpu/pool.h"
#include "core_cpu/product.h"
#include "host/network/backend.h"
#include "host/network/chunks.h"
#include <assert.h>

typedef struct {
    ls_backend base;
    const ls_cpu_kernels *kernels;
    const ls_cpu_tile *tile;
    ls_pool *pool;
    unsigned threads; /* that were asked for; the pool may have fewer */
    char note[160];   /* if it has, or "" */
    float *scratch;   /* LS_MATMUL_SCRATCH floats per thread; products that threads share use the
                         first two threads' */
    size_t scratch_threads;
    ls_product_progress progress; /* of the product that threads share */
} cpu_backend;

/* Which mode is faster for a member whose steps several threads could share: layered on all threads
 * or chunk-wise on one. Measured on the member's first steps. */
typedef struct {
    unsigned measured; /* steps measured so far */
    unsigned threads;  /* number of threads during the measurement */
    double least[2];   /* seconds of the fastest step, layered and chunk-wise */
} cpu_mode_choice;

typedef struct {
    const ls_plan *plan; /* NULL if this member number is free */
    size_t origin;       /* row of the data at which the member's rows start */
    float *arena;
    float *square_sums; /* partial sums for CLIP; NULL if the plan has no clipping */
    float *image_sums;  /* sums of each image of a batch; NULL if the plan has none */
    ls_chunks *chunks;  /* the step in the chunk-wise mode; NULL if the plan cannot run in it */
    cpu_mode_choice mode;
    const ls_op *skipped_gather; /* not run, as products read its rows in place; or NULL */
    bool in_call; /* only for assertions: the member is part of the call being checked */
} cpu_member;

typedef struct {
    ls_workspace base;
    ls_rows data;
    cpu_member *members;
    size_t count, capacity;
    size_t lowest; /* no member number below this one is free */
} cpu_workspace;

/* The member with this number, which must exist. */
static inline cpu_member *ls_cpu_member(const cpu_workspace *workspace, size_t index)
{
    assert(index < workspace->count && workspace->members[index].plan);
    return &workspace->members[index];
}

/* The operation being run, of one step or of one block of rows in inference. */
typedef struct {
    cpu_backend *backend;
    const cpu_workspace *workspace;
    const cpu_member *member;
    const ls_op *op;
    size_t row0;          /* row of the data at which views of the data start */
    size_t rows;          /* rows of the batch, or of the part of it that is run */
    size_t before, whole; /* rows of the batch before that part, and in all */
    uint64_t step;
    ls_batch batch;
    bool training;
    bool inputs_kept;             /* see ls_chunk_step */
    ls_weight_slice slice;        /* of a GRAD_W that is run by itself, */
    const ls_chunk_place *places; /* and where its chunks are, or NULL */
    const ls_rates *rates;
    float *loss;
    size_t threads; /* number that may share the operation */
    unsigned phase; /* of the operation, from 0 */
} cpu_job;

#endif
