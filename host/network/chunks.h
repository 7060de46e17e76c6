/* SPDX-License-Identifier: MIT */
/* The chunk-wise mode of a plan's step, for small networks: LS_CHUNK rows go through all layers and
 * back before the next rows start, so that the data passed between operations stays in a cache.
 * This unit lays out the scratch memory of a chunk; the CPU path (core_cpu/chunk.c) and the OpenCL
 * kernels (kernels/small.cl, on GPUs kernels/small_group.cl) run it.
 *
 * A matrix of a chunk is stored column by column, each column `lanes` floats long (the chunk's
 * rows, rounded up to 16): the rows are the lanes of vectors, so that no lane is idle however
 * narrow a layer is. */
#ifndef LS_CHUNKS_H
#define LS_CHUNKS_H

#include "host/network/plan.h"

/* Maximum scratch memory in floats: a larger network does not fit in the second-level cache, and
 * products in tiles are then faster. */
enum { LS_CHUNKS_SCRATCH = 1 << 18 };

/* What the chunk-wise mode does with an operation, see LS_OPS. */
typedef enum {
    LS_CHUNKWISE_NEVER,
    LS_CHUNKWISE_IMPLIED,
    LS_CHUNKWISE_CHUNK,
    LS_CHUNKWISE_STEP
} ls_chunkwise;
extern const ls_chunkwise ls_op_chunkwise[LS_OP_COUNT];

/* Offsets in scratch are in floats; this one stands for no matrix. */
#define LS_NO_PLACE SIZE_MAX

enum { LS_DROPOUT_ROOM = 64 };

/* An array of the data set that every chunk reads: `columns` values per row, to offset `to`. */
typedef struct {
    ls_place place;
    size_t columns, to;
} ls_chunk_input;

/* An operation of the plan with the offsets of its matrices. */
typedef struct {
    const ls_op *op;
    size_t x, z, a, y, d, dz, skip, dropped;
    size_t
        factors; /* JOIN, GRAD_X: of dropout, if an interpreter keeps them; LS_NO_PLACE without */
    /* GRAD_W: offset of in + 1 rows of `width` floats, the gradients of the weights and, last, of
     * the bias; or, if `across`, of `out` rows of `width` floats, each with the in + 1 values of
     * one output. */
    size_t grad, width;
    bool across;
    const ls_op *bias; /* GRAD_W: the GRAD_B of the same dz, or NULL */
} ls_chunk_op;

typedef struct {
    ls_chunk_op *op; /* without those that are IMPLIED in LS_OPS */
    size_t count;
    ls_chunk_input input[3];
    size_t inputs;
    size_t loaded;             /* the inputs occupy the first `loaded` floats of scratch */
    size_t target, row_weight; /* row_weight: LS_NO_PLACE if all rows weigh 1 */
    size_t row_loss;
    size_t drawn;   /* space in which factors of dropout are drawn: LS_DROPOUT_ROOM more than those
                       of a chunk's widest layer; LS_NO_PLACE without dropout */
    size_t rows;    /* space for LS_CHUNK rows of the widest gradient, read by products over rows */
    size_t scratch; /* floats in all */
} ls_chunks;

/* Lays out the step of a plan for the chunk-wise mode. Rows of gradients are multiples of lane_unit
 * floats, and are transposed if a layer has at most `narrow` outputs. *out is NULL if the plan
 * cannot run chunk-wise (batch normalisation needs the whole batch at once), if it needs more than
 * LS_CHUNKS_SCRATCH floats, or if the environment has LOCKSTEP_STEPS=layered. The plan must outlive
 * the result. Errors: LS_ERR_MEMORY. */
ls_status ls_chunks_build(const ls_plan *plan, size_t lane_unit, size_t narrow, ls_chunks **out,
                          ls_error *err);
void ls_chunks_free(ls_chunks *chunks);

#endif
