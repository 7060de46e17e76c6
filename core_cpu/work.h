/* SPDX-License-Identifier: MIT */
/* The CPU path at work: the backend, its members, and one operation being run. */
#ifndef LS_CPU_WORK_H
#define LS_CPU_WORK_H

#include "core_cpu/kernels.h"
#include "core_cpu/pool.h"
#include "host/network/backend.h"
#include "host/network/chunks.h"

typedef struct {
    ls_backend base;
    const ls_cpu_kernels *kernels;
    ls_pool *pool;
    float *scratch; /* LS_MATMUL_SCRATCH floats per thread */
} cpu_backend;

/* Which mode is faster for a member whose steps several threads could share, measured on its first
 * steps: layered on all threads, or chunk-wise on one. */
typedef struct {
    unsigned measured; /* steps measured so far */
    unsigned threads;  /* number of threads at the time */
    double least[2];   /* seconds of the fastest step, layered and chunk-wise */
} cpu_mode_choice;

typedef struct {
    const ls_plan *plan; /* NULL if the number is free */
    size_t origin;       /* row of the data at which the member's rows start */
    float *arena;
    float *square_sums; /* room for CLIP; NULL if the plan has none */
    ls_chunks *chunks;  /* its step in the chunk-wise mode; NULL if it cannot be run so */
    cpu_mode_choice mode;
    const ls_op *skipped_gather; /* not run, as products read its rows in place; or NULL */
} cpu_member;

typedef struct {
    ls_workspace base;
    ls_rows data;
    cpu_member *members;
    size_t count, capacity;
    size_t lowest; /* no number below this one is free */
} cpu_workspace;

/* One operation of one step, or of a block of rows in inference, being run. */
typedef struct {
    cpu_backend *backend;
    const cpu_workspace *workspace;
    const cpu_member *member;
    const ls_op *op;
    size_t row0; /* row of the data set at which views of it start */
    size_t rows; /* rows of the batch */
    uint64_t step;
    ls_batch batch;
    bool training;
    bool inputs_kept; /* see ls_chunk_step */
    const ls_rates *rates;
    float *loss;
    size_t threads; /* that may share the operation */
} cpu_job;

#endif
