/* SPDX-License-Identifier: MIT */
/* The chunk-wise step, for small networks: a chunk of LS_CHUNK rows goes through all layers and back before the next one
 * starts. What passes between operations then stays in the nearest cache, nothing is packed, and no thread waits for another. */
#ifndef LS_CHUNK_H
#define LS_CHUNK_H

#include "../host/backend.h"
#include "kernels.h"

typedef struct ls_chunks ls_chunks;

/* What a plan's step is, chunk by chunk. *out is NULL where it cannot be done so (batch norm looks at the whole batch at
 * once) or where the network is too large for it to pay. */
ls_status ls_chunks_build(const ls_plan *plan, const ls_cpu_kernels *kernels, ls_chunks **out, ls_error *err);
void ls_chunks_free(ls_chunks *chunks);

/* Floats of scratch that a step needs at most. */
enum { LS_CHUNKS_SCRATCH = 1 << 18 };

/* One step of a member. */
typedef struct {
    const ls_cpu_kernels *kernels;
    const ls_plan *plan;
    const ls_rows *data;
    size_t origin;             /* row of the data at which the member's rows start */
    float *arena, *scratch;
    uint64_t step;
    ls_batch batch;
    float *loss;
    /* Does an operation that comes once the gradients are whole: the optimizer (over weights, for GRAD_W), clipping, max-norm. */
    void (*rest)(void *user, const ls_op *op);
    void *user;
} ls_chunk_step;
void ls_chunks_run(const ls_chunks *chunks, const ls_chunk_step *s);

#endif
