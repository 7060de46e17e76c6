/* SPDX-License-Identifier: MIT */
/* A plan's step chunk by chunk, for small networks: LS_CHUNK rows go through all layers and back
 * before the next ones start. What passes between operations then stays in the nearest memory. Here
 * is decided what lies where in a chunk's scratch; the CPU path (core_cpu/chunk.c) and the OpenCL
 * kernel (kernels/small.cl) run it.
 *
 * A matrix of a chunk is kept column by column, each column `lanes` floats long (the chunk's rows,
 * rounded up to 16): rows lie side by side in the lanes of vectors, so that no lane is idle however
 * narrow a layer is. */
#ifndef LS_CHUNKS_H
#define LS_CHUNKS_H

#include "host/network/plan.h"

/* Floats of scratch at most: where a network needs more, it leaves the second cache, and products
 * in tiles are faster. */
enum { LS_CHUNKS_SCRATCH = 1 << 18 };

/* What the chunk-wise mode does with an operation, see LS_OPS. */
typedef enum {
    LS_CHUNKWISE_NEVER,
    LS_CHUNKWISE_IMPLIED,
    LS_CHUNKWISE_CHUNK,
    LS_CHUNKWISE_STEP
} ls_chunkwise;
extern const ls_chunkwise ls_op_chunkwise[LS_OP_COUNT];

/* A place in scratch, in floats, or this. */
#define LS_NO_PLACE SIZE_MAX

/* Rows that every chunk brings in from the data set. */
typedef struct {
    ls_place place;
    size_t columns, to;
} ls_chunk_input;

/* An operation of the plan with its matrices' places. */
typedef struct {
    const ls_op *op;
    size_t x, z, a, y, d, dz, skip, dropped;
    /* GRAD_W: in + 1 rows of `width`, the weights' gradients and, last, the bias's; or, across,
     * `out` rows of the in + 1 values */
    size_t grad, width;
    bool across;
    const ls_op *bias; /* GRAD_W: the GRAD_B of the same dz */
} ls_chunk_op;

typedef struct {
    ls_chunk_op *op; /* without BATCH and GATHER, whose work the inputs are */
    size_t count;
    ls_chunk_input input[3];
    size_t inputs;
    size_t loaded;             /* the inputs are the first so many floats of scratch */
    size_t target, row_weight; /* LS_NO_PLACE: all rows weigh 1 */
    size_t row_loss;
    size_t rows;    /* LS_CHUNK rows of the widest gradient: what products over rows read */
    size_t scratch; /* floats in all */
} ls_chunks;

/* What a plan's step is, chunk by chunk; rows of gradients are multiples of lane_unit floats, and
 * lie across where a layer's outputs would fill at most narrow of them. *out is NULL where it
 * cannot be done so (batch norm looks at the whole batch at once), where the network is too large,
 * or where the environment has LOCKSTEP_STEPS=layered. The plan must outlive it. */
ls_status ls_chunks_build(const ls_plan *plan, size_t lane_unit, size_t narrow, ls_chunks **out,
                          ls_error *err);
void ls_chunks_free(ls_chunks *chunks);

#endif
