/* SPDX-License-Identifier: MIT */
/* The chunk-wise mode (host/network/chunks.h) on the CPU path. It packs no matrices, and one thread
 * runs the whole step. */
#ifndef LS_CPU_CHUNK_H
#define LS_CPU_CHUNK_H

#include "core_cpu/kernels.h"
#include "host/network/backend.h"
#include "host/network/chunks.h"

/* One step of a member. */
typedef struct {
    const ls_cpu_kernels *kernels;
    const ls_plan *plan;
    const ls_rows *data;
    size_t origin;          /* row of the data at which the member's rows start */
    float *arena, *scratch; /* LS_CHUNKS_SCRATCH floats */
    uint64_t step;
    ls_batch batch;
    float *loss;
    bool inputs_kept; /* scratch still holds this step's inputs, from the step before */
    /* Runs what follows the last chunk: the optimizer (over the weights of a GRAD_W), clipping,
     * max-norm. */
    void (*rest)(void *user, const ls_op *op);
    void *user;
} ls_chunk_step;

/* Runs one step. Returns whether its inputs stay in scratch for the next step: this requires that
 * every step takes all rows in the same order, and enough scratch memory. */
bool ls_chunks_run(const ls_chunks *chunks, const ls_chunk_step *s);

#endif
