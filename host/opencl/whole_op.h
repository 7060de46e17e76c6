/* SPDX-License-Identifier: MIT */
/* The operations of a step that runs over a whole device, and the sizes of the device that their
 * division depends on; kernels/whole.h has the terms. */
#ifndef LS_WHOLE_OP_H
#define LS_WHOLE_OP_H

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

/* Parts of n, and chunks of rows. */
static inline size_t ls_whole_parts(size_t n, size_t part) { return (n + part - 1) / part; }
static inline size_t ls_whole_chunks(size_t n) { return ls_whole_parts(n, LS_CHUNK); }

/* The view from some floats behind its start on. */
static inline ls_view ls_whole_after(ls_view view, size_t floats)
{
    return ls_there(view) ? (ls_view){view.place, view.at + floats} : view;
}

#endif
