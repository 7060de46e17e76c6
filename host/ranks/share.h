/* SPDX-License-Identifier: MIT */
/* A step that ranks share. Each rank runs the operations over some of the batch's chunks of
 * LS_CHUNK rows. A sum over the batch is the sum of its chunks' sums, in ascending order
 * (docs/arithmetic.md): wherever an operation needs one, the step is cut, ranks exchange the sums
 * of their chunks, and go on. The gradient is summed at the last cut; what follows, the optimizer,
 * needs no rows and is done by every rank. docs/distributed.md has a picture. */
#ifndef LS_SHARE_H
#define LS_SHARE_H

#include "host/network/plan.h"

typedef enum {
    LS_CUT_MEAN,     /* sums of z become the mean, */
    LS_CUT_VARIANCE, /* those of squares the variance, inv and running averages of a NORM */
    LS_CUT_GRADS,    /* the sums of a NORM_GRAD, which its REST reads */
    LS_CUT_STEP,     /* the gradient and the loss */
    LS_CUT_END       /* nothing: the end of the step */
} ls_cut_kind;

/* Operations [end of the cut before, end), and what is exchanged after them. */
typedef struct {
    ls_cut_kind kind;
    size_t end;
    size_t norm; /* number of the layer's operation in the plan that was shared; MEAN to GRADS */
} ls_cut;

/* The plan has its own memory. Its arena is that of the plan it was made of, with more behind it:
 *   [ … ][ sums of chunk 0 | sums of chunk 1 | … ][ sums of batch norm ][ variance ]
 * The sums of a chunk are its gradient of all parameters, then its loss. */
typedef struct {
    ls_plan plan;
    const ls_plan *whole; /* that it was made of; not owned */
    size_t chunks;        /* that a rank takes at a time, at most */
    size_t gradient;      /* offset of the gradient of the whole batch */
    size_t sums, stride;  /* offset of the chunks' sums, and their distance */
    size_t norms;         /* offset of the sums of batch norm: chunks × 2·widest */
    size_t variance;
    ls_cut *cut;
    size_t cuts, cut_room;
} ls_share;

/* Floats of the sums of a rank's chunks at most, if chunks can be taken in turns. Tests set less.
 */
extern size_t ls_share_most;

/* Whether ranks can share the steps of a plan in turns: chunks may then be taken a few at a time.
 * Batch normalisation needs all at once. */
bool ls_share_takes_turns(const ls_plan *plan);

/* ranks: among which a batch is divided. plan must outlive the share. Errors: LS_ERR_MEMORY. */
ls_status ls_share_build(const ls_plan *plan, size_t ranks, ls_share **out, ls_error *err);
void ls_share_free(ls_share *share);

/* Chunks [*first, *first + *count) of a batch, for a rank in a turn. */
void ls_share_chunks(const ls_share *share, size_t batch_rows, size_t turn, size_t ranks,
                     size_t rank, size_t *first, size_t *count);
size_t ls_share_turns(const ls_share *share, size_t batch_rows, size_t ranks);

#endif
