/* SPDX-License-Identifier: MIT */
/* How the operations of a step are shared out over the work-groups of a whole device: which of them
 * need a barrier over all groups between them, and how each is divided into tasks. A pure function
 * of the plan and of the device's size; kernels/whole.h has the terms. */
#ifndef LS_WHOLE_PHASES_H
#define LS_WHOLE_PHASES_H

#include "host/network/plan.h"
#include "kernels/whole.h"

/* What the division depends on. */
typedef struct {
    size_t groups; /* that work on the member together */
    size_t group;  /* work-items per group: 64, 128 or 256 */
    size_t pool;   /* floats of local memory of a group, at least LS_WHOLE_POOL */
} ls_whole_limits;

/* Local memory in floats: the least, which fits in 16 KiB with what else the kernel needs, and that
 * with which tiles of 4 × 4 chains are possible. */
enum { LS_WHOLE_POOL = 3584, LS_WHOLE_POOL_FOUR = 4608 };

/* An operation. Views that are not used by its kind are nowhere. */
typedef struct {
    whole_kind kind;
    const ls_op *op;   /* of the plan */
    const ls_op *join; /* DENSE, NORM: the JOIN that is done at once, or NULL */
    whole_share share;
    ls_view x;       /* DENSE, GRAD_W: arena or data; COLUMN_SUM: what is summed */
    ls_view y;       /* COLUMN_SUM: sums, nowhere for the loss; UPDATE: gradients */
    bool keeps_d;    /* GRAD_X: another operation reads d */
    size_t out;      /* columns, or elements (UPDATE, SUMS, FACTOR) */
    bool attached;   /* UPDATE: of the vector that the operation before it has summed */
    size_t theta;    /* UPDATE: number of the first parameter */
    size_t from, to; /* SUMS, FACTOR: offsets in scratch; from: SIZE_MAX for the gradients */
    whole_body body;
    unsigned log_rows, log_columns, log_chunks, log_depth;
    double cost; /* rough cycles of a task */
} ls_whole_op;

/* Operations [first, first + count) of the list `order`. */
typedef struct {
    whole_share share;
    size_t unit;
    size_t first, count;
} ls_whole_strand;

/* Strands [first, first + count). */
typedef struct {
    size_t first, count;
} ls_whole_phase;

typedef struct {
    ls_whole_op *op; /* in the order of the plan */
    size_t ops;
    size_t *order; /* numbers of operations, strand after strand */
    ls_whole_strand *strand;
    size_t strands;
    ls_whole_phase *phase;
    size_t phases;
    ls_view index;  /* row numbers of the batch, or nowhere */
    size_t scratch; /* floats that clipping needs */
} ls_whole_phases;

/* *out is NULL if the step has something that this way does not know, or that does not fit. The
 * plan must outlive the result. Errors: LS_ERR_MEMORY. */
ls_status ls_whole_phases_build(const ls_plan *plan, const ls_whole_limits *limits,
                                ls_whole_phases **out, ls_error *err);
void ls_whole_phases_free(ls_whole_phases *phases);

/* The number of tasks of a strand in a step of that many rows; the kernel computes the same. */
size_t ls_whole_tasks(const ls_whole_phases *phases, const ls_whole_strand *strand, size_t rows);

#endif
