/* SPDX-License-Identifier: MIT */
#include "host/ranks/sums.h"
#include <stdlib.h>
#include <string.h>

/* Floats of a piece of the chain. */
enum { PIECE = 1 << 15 };
/* Parts begin at multiples of this many floats: a line of the cache. */
enum { UNIT = 16 };
/* Below this traffic per rank the two rounds of GATHER are quicker than a chain of all ranks. */
enum { SMALL_BYTES = 1 << 16 };
/* Transfers in one call. */
enum { TRANSFERS = 256 };

size_t ls_sums_part(size_t floats, size_t ranks, size_t rank)
{
    if (rank == ranks) return floats;
    return floats / UNIT * rank / ranks * UNIT;
}

static size_t largest_part(size_t floats, size_t ranks)
{
    size_t most = 0;
    for (size_t r = 0; r < ranks; r++) {
        size_t n = ls_sums_part(floats, ranks, r + 1) - ls_sums_part(floats, ranks, r);
        if (n > most) most = n;
    }
    return most;
}

static size_t sum_of(const size_t *chunks, size_t count)
{
    size_t n = 0;
    for (size_t r = 0; r < count; r++) n += chunks[r];
    return n;
}

size_t ls_sums_room(size_t floats, size_t chunks, size_t ranks)
{
    const size_t gather = chunks * largest_part(floats, ranks);
    return gather > floats ? gather : floats;
}

/* total += more, or total = more if it is the first. */
static void add(float *total, const float *more, size_t n, bool first)
{
    if (first) memcpy(total, more, n * sizeof *total);
    else
        for (size_t i = 0; i < n; i++) total[i] = total[i] + more[i];
}

/* ---- Gather ---------------------------------------------------------------------------------- */

/* Transfers that are done together. */
typedef struct {
    ls_transport *transport;
    ls_transfer list[TRANSFERS];
    size_t count;
} transfers;

static void start(transfers *t, int rank, bool out, const float *at, size_t n)
{
    if (n)
        t->list[t->count++] = (ls_transfer){
            .rank = rank, .out = out, .at = (void *)at, .bytes = n * sizeof *at};
}

/* Does those that were begun, once there is no room for two more. */
static ls_status end(transfers *t, bool all, ls_error *err)
{
    const size_t count = t->count;
    if (!count || (!all && count + 2 <= TRANSFERS)) return LS_OK;
    t->count = 0;
    return t->transport->transfer(t->transport, t->list, count, err);
}

/* In round k, each rank sends to the one k behind it and receives from the one k before it. A
 * chunk's two transfers are always in one call: if calls ended between them, all ranks could be
 * waiting for the other half. */
static ls_status exchange_parts(ls_transport *t, const ls_sums *s, ls_error *err)
{
    const size_t ranks = (size_t)t->size, me = (size_t)t->rank,
                 mine = ls_sums_part(s->floats, ranks, me),
                 n = ls_sums_part(s->floats, ranks, me + 1) - mine;
    transfers all = {.transport = t};
    for (size_t k = 1; k < ranks; k++) {
        const size_t to = (me + k) % ranks, from = (me + ranks - k) % ranks,
                     at = ls_sums_part(s->floats, ranks, to),
                     count = ls_sums_part(s->floats, ranks, to + 1) - at;
        float *place = s->room + sum_of(s->chunks, from) * n;
        for (size_t c = 0; c < s->chunks[me] || c < s->chunks[from]; c++) {
            if (c < s->chunks[me]) start(&all, (int)to, true, s->own + c * s->stride + at, count);
            if (c < s->chunks[from]) start(&all, (int)from, false, place + c * n, n);
            LS_TRY(end(&all, false, err));
        }
    }
    return end(&all, true, err);
}

ls_status ls_sums_reduce(ls_transport *t, const ls_sums *s, ls_error *err)
{
    const size_t ranks = (size_t)t->size, me = (size_t)t->rank,
                 mine = ls_sums_part(s->floats, ranks, me),
                 n = ls_sums_part(s->floats, ranks, me + 1) - mine;
    size_t chunk = 0;
    bool first = !s->onto;
    LS_TRY(exchange_parts(t, s, err));
    for (size_t r = 0; r < ranks; r++)
        for (size_t c = 0; c < s->chunks[r]; c++, chunk++, first = false)
            add(s->total + mine, r == me ? s->own + c * s->stride + mine : s->room + chunk * n, n,
                first);
    return LS_OK;
}

static ls_status gather(ls_transport *t, const ls_sums *s, ls_error *err)
{
    const size_t ranks = (size_t)t->size;
    size_t *offset = malloc((ranks + 1) * sizeof *offset);
    if (!offset) return ls_fail(err, LS_ERR_MEMORY, "out of memory for an exchange");
    ls_status status = ls_sums_reduce(t, s, err);
    for (size_t r = 0; r <= ranks; r++)
        offset[r] = ls_sums_part(s->floats, ranks, r) * sizeof(float);
    if (status == LS_OK) status = t->gather(t, s->total, offset, err);
    free(offset);
    return status;
}

/* ---- Chain ----------------------------------------------------------------------------------- */

/* Ranks with chunks come first in the chain, as those without follow them. */
static size_t chain_length(const ls_sums *s, size_t ranks)
{
    size_t n = ranks;
    while (n > 1 && !s->chunks[n - 1]) n--;
    return n;
}

/* A piece comes from the rank before while the piece before it goes to the rank behind. */
static ls_status chain(ls_transport *t, const ls_sums *s, ls_error *err)
{
    const size_t me = (size_t)t->rank, last = chain_length(s, (size_t)t->size) - 1,
                 pieces = (s->floats + PIECE - 1) / PIECE;
    for (size_t i = 0; me <= last && i <= pieces; i++) {
        const size_t at = i * PIECE, n = i < pieces - 1 ? PIECE : s->floats - (pieces - 1) * PIECE;
        const size_t sent = i ? (i - 1) * PIECE : 0;
        ls_transfer list[2];
        size_t count = 0;
        if (i < pieces && me)
            list[count++] = (ls_transfer){(int)me - 1, false, s->total + at, n * sizeof(float)};
        if (i && me < last)
            list[count++] = (ls_transfer){(int)me + 1, true, s->total + sent,
                                          (i == pieces ? s->floats - sent : PIECE) * sizeof(float)};
        if (count) LS_TRY(t->transfer(t, list, count, err));
        for (size_t c = 0; i < pieces && c < s->chunks[me]; c++)
            add(s->total + at, s->own + c * s->stride + at, n, !me && !c && !s->onto);
    }
    return t->broadcast(t, (int)last, s->total, s->floats * sizeof(float), false, err);
}

/* ---- Both ------------------------------------------------------------------------------------ */

ls_sums_way ls_sums_best(size_t floats, const size_t *chunks, size_t ranks)
{
    const char *forced = getenv("LOCKSTEP_RANKS_SUMS");
    uint64_t most[2] = {0, 0};
    if (forced && !strcmp(forced, "gather")) return LS_SUMS_GATHER;
    if (forced && !strcmp(forced, "chain")) return LS_SUMS_CHAIN;
    for (size_t r = 0; r < ranks; r++)
        for (int way = 0; way < 2; way++) {
            uint64_t bytes = ls_sums_bytes((ls_sums_way)way, floats, chunks, ranks, r);
            if (bytes > most[way]) most[way] = bytes;
        }
    return most[LS_SUMS_GATHER] <= SMALL_BYTES || most[LS_SUMS_GATHER] <= most[LS_SUMS_CHAIN]
               ? LS_SUMS_GATHER
               : LS_SUMS_CHAIN;
}

ls_status ls_sums_total(ls_transport *t, ls_sums_way way, const ls_sums *s, ls_error *err)
{
    return (way == LS_SUMS_CHAIN ? chain : gather)(t, s, err);
}

uint64_t ls_sums_bytes(ls_sums_way way, size_t floats, const size_t *chunks, size_t ranks,
                       size_t rank)
{
    const size_t part = ls_sums_part(floats, ranks, rank + 1) - ls_sums_part(floats, ranks, rank);
    uint64_t n;
    if (way == LS_SUMS_GATHER)
        n = (uint64_t)chunks[rank] * (floats - part) + (uint64_t)part * (ranks - 1);
    else {
        const size_t last = chain_length(&(ls_sums){.chunks = chunks}, ranks) - 1;
        n = rank < last || (rank == last && ranks > 1) ? floats : 0;
        /* the total on its way to all: once from each rank but the last one that gets it */
        if (rank != (last + ranks - 1) % ranks && rank != last) n += floats;
    }
    return n * sizeof(float);
}
