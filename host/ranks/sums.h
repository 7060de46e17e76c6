/* SPDX-License-Identifier: MIT */
/* Adding up the sums of chunks that lie on several ranks, in ascending order of the chunks. Two
 * ways give the same bits; docs/distributed.md says what each costs.
 *
 * GATHER: rank r is sent the r-th part of every chunk's sums, adds them up, and sends the total of
 * its part to all. Each chunk's sums travel once.
 *
 * CHAIN: the running total goes from rank to rank in pieces, each of which adds its chunks; the
 * last one sends the total of a piece around the ranks while the next ones are on their way. Each
 * rank's traffic is that of two totals, however many chunks there are. */
#ifndef LS_SUMS_H
#define LS_SUMS_H

#include "host/base/error.h"
#include "host/ranks/transport.h"
#include <stddef.h>

typedef enum { LS_SUMS_GATHER, LS_SUMS_CHAIN } ls_sums_way;

/* Floats [at, at + count) of the sums. */
typedef struct {
    size_t at, count;
} ls_piece;

typedef struct {
    const float *own; /* this rank's chunks, `stride` apart */
    size_t stride, floats;
    const size_t *chunks; /* number of chunks of each rank, in order */
    bool onto;      /* they are added to the total of the turns before, which all ranks have */
    float *total;   /* floats */
    float *room;    /* GATHER: ls_sums_room floats */
    size_t *offset; /* GATHER: room for one more number than ranks: a rank that had none here would
                       leave the others waiting */
    /* CHAIN: in which order and sizes the floats travel, the same on all ranks; NULL: in pieces of
     * piece_size. */
    const ls_piece *piece;
    size_t pieces, piece_size;
    /* CHAIN: adds this rank's chunks to a piece of the total, or stores their sum if `first`; NULL:
     * those that lie in `own`. */
    void (*add)(void *user, size_t piece, bool first);
    void *user;
} ls_sums;

/* Floats of room for both ways. chunks: of all ranks together, at most. */
size_t ls_sums_room(size_t floats, size_t chunks, size_t ranks);

/* CHAIN: floats of a piece, small enough that ranks behind the first one do not wait long, and no
 * smaller than pays; ls_sums_least_piece at least, which tests make less. */
size_t ls_sums_piece_size(size_t floats, size_t ranks);
extern size_t ls_sums_least_piece;

/* The way that takes less time on links that are the bottleneck. LOCKSTEP_RANKS_SUMS=gather|chain
 * in the environment overrides it. */
ls_sums_way ls_sums_best(size_t floats, const size_t *chunks, size_t ranks);

/* GATHER: the first float of the part of a rank; `floats` for the rank behind the last one. */
size_t ls_sums_part(size_t floats, size_t ranks, size_t rank);
/* GATHER without its end: the total of this rank's part, in its place in the total. */
ls_status ls_sums_reduce(ls_transport *t, const ls_sums *sums, ls_error *err);
/* The total of all chunks, on every rank. */
ls_status ls_sums_total(ls_transport *t, ls_sums_way way, const ls_sums *sums, ls_error *err);

/* Bytes that rank `rank` sends in ls_sums_total: the formula of docs/distributed.md. What MPI sends
 * for the totals that go to all is counted as in a ring. */
uint64_t ls_sums_bytes(ls_sums_way way, size_t floats, const size_t *chunks, size_t ranks,
                       size_t rank);

#endif
