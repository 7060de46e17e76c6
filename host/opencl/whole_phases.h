/* SPDX-License-Identifier: MIT */
/* How the operations of a step are shared out over the work-groups of a whole device: which of them
 * need a barrier over all groups between them, and how each is divided into tasks. A pure function
 * of the plan and of the device's size; kernels/whole.h has the terms. */
#ifndef LS_WHOLE_PHASES_H
#define LS_WHOLE_PHASES_H

#include "host/opencl/whole_op.h"

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
