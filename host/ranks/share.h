/* SPDX-License-Identifier: MIT */
/* A step that ranks share. Each rank runs the operations over some of the batch's chunks of
 * LS_CHUNK rows. A sum over the batch is the sum of its chunks' sums, in ascending order
 * (docs/arithmetic.md): wherever an operation needs one, the step is cut, ranks exchange the sums
 * of their chunks, and go on. The gradient is summed at the last cut; what follows, the optimizer,
 * needs no rows and is done by every rank. docs/distributed.md has a picture. */
#ifndef LS_SHARE_H
#define LS_SHARE_H

#include "host/network/plan.h"
#include "host/ranks/segment.h"
#include "host/ranks/sums.h"

typedef enum {
    LS_CUT_MEAN,       /* sums of z become the mean, */
    LS_CUT_VARIANCE,   /* those of squares the variance, inv and running averages of a NORM */
    LS_CUT_GRADS,      /* the sums of a NORM_GRAD, which its REST reads */
    LS_CUT_STEP,       /* the gradient and the loss */
    LS_CUT_PARAMETERS, /* each rank has updated its own */
    LS_CUT_MEET,       /* nothing, but all ranks have come so far: one reads what another wrote */
    LS_CUT_END         /* nothing: the end of the step */
} ls_cut_kind;

/* Operations [end of the cut before, end), and what is exchanged after them. */
typedef struct {
    ls_cut_kind kind;
    size_t end;
    size_t norm; /* number of the layer's operation in the plan that was shared; MEAN to GRADS */
} ls_cut;

/* Where a rank has the arenas of its members. */
typedef enum {
    LS_SHARE_DEVICE, /* in a device's memory */
    LS_SHARE_HOST,   /* in place, in host memory */
    LS_SHARE_SEGMENT /* the same, in a segment of all ranks */
} ls_share_memory;

/* Rows [from, to) of the weights of a GRAD_W: its operation in the plan, behind the step; to = 0 if
 * the piece is none. */
typedef struct {
    size_t op, from, to;
} ls_piece_slice;

/* The plan has its own memory. Its arena is that of the plan it was made of, with more behind it:
 *   [ … ][ total ][ sums of chunk 0 | sums of chunk 1 | … ][ sums of batch norm ][ variance ]
 * The sums of a chunk are its gradient of all parameters, then its loss; the total is theirs.
 *
 * `split`: each rank adds up the gradient of its own parameters (ls_sums_part), updates them, and
 * sends them to the others: the optimizer's states of a parameter are on that rank alone. Clipping
 * and max-norm need the whole gradient or whole columns: then each rank updates all parameters.
 *
 * In a segment (MEMORY), the state and its copies are the same memory for all ranks, and so is the
 * total. Of each dense layer a rank computes the gradient of some rows of the weights, from the
 * activations of all ranks, and updates them at once; of other parameters it adds up the chunks'
 * sums where they lie. Rank 0 alone has what is copied and written there from outside of steps. */
typedef struct {
    ls_plan plan;
    const ls_plan *whole; /* that it was made of; not owned */
    size_t ranks, rank;
    size_t chunks;       /* that a rank takes at a time, at most */
    ls_sums_way way;     /* in which sums are added up */
    bool split;          /* then this rank's parameters are */
    size_t first, after; /* [first, after) */
    size_t gradient; /* offset of the gradient in the plan that is shared: not used by this one */
    size_t total;
    size_t sums, stride; /* offset of the chunks' sums, and their distance */
    size_t norms;        /* offset of the sums of batch norm: chunks × widest */
    size_t variance;
    size_t grads, grads_stride; /* of beta and of gamma, over the batch */
    size_t inputs;              /* MEMORY: of a copy of the rows, if layers read them in place */
    ls_segment_shape shape;     /* MEMORY */
    bool fused;                 /* MEMORY: dense weights are updated with their gradient */
    ls_cut *cut;
    size_t cuts, cut_room;

    /* CHAIN: the pieces in which totals travel. Some are slices of a GRAD_W: where arenas are in
     * place, that is run when the piece has come, onto it, and there are no sums of chunks.
     * MEMORY: this rank's pieces. */
    ls_piece *piece;
    ls_piece_slice *slice; /* of each piece */
    size_t pieces, piece_room, slice_room;
    bool slices;
} ls_share;

/* Floats of chunks' sums at most, if chunks can be taken in turns: tests make it less. */
extern size_t ls_share_most;

/* Whether ranks can share the steps of a plan in turns: chunks may then be taken a few at a time.
 * Batch normalisation needs all at once. */
bool ls_share_takes_turns(const ls_plan *plan);

/* Whether ranks of one machine share the steps of a plan in a segment, if they can have one. */
bool ls_share_in_segment(const ls_plan *plan, size_t ranks);

/* ranks: among which a batch is divided, for number `rank` of them. plan must outlive the share.
 * Errors: LS_ERR_MEMORY. */
ls_status ls_share_build(const ls_plan *plan, size_t ranks, size_t rank, ls_share_memory memory,
                         ls_share **out, ls_error *err);
void ls_share_free(ls_share *share);

/* Chunks [*first, *first + *count) of a batch, for a rank in a turn. */
void ls_share_chunks(const ls_share *share, size_t batch_rows, size_t turn, size_t rank,
                     size_t *first, size_t *count);
size_t ls_share_turns(const ls_share *share, size_t batch_rows);

/* Batches in the order of the rows of which each rank is sent only its own rows: more are sent to
 * all, as single messages would take longer. */
enum { LS_SHARE_BATCHES = 64 };
/* The rows [*first, *first + *count) of rank `rank` in turn `turn` of a batch of rows; chunks: that
 * a rank takes in a turn, at most. false: there is no such turn. */
bool ls_share_rows(size_t chunks, size_t ranks, size_t rank, size_t batch_rows, size_t turn,
                   size_t *first, size_t *count);

/* Ranges of the arena that a rank has of [at, at + count): all but the optimizer's states of other
 * ranks' parameters, in the state and its copies. Returns their number. */
enum { LS_SHARE_RANGES = 16 };
typedef struct {
    size_t at, count;
} ls_range;
size_t ls_share_held(const ls_share *share, size_t rank, size_t at, size_t count,
                     ls_range out[LS_SHARE_RANGES]);
/* The same without what all ranks have: states alone. */
size_t ls_share_own(const ls_share *share, size_t rank, size_t at, size_t count,
                    ls_range out[LS_SHARE_RANGES]);

#endif
