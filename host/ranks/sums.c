/* SPDX-License-Identifier: MIT */
#include "host/ranks/sums.h"
#include <stdlib.h>
#include <string.h>

size_t ls_sums_least_piece = 1 << 14;
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
    LS_TRY(ls_sums_reduce(t, s, err));
    for (size_t r = 0; r <= ranks; r++)
        s->offset[r] = ls_sums_part(s->floats, ranks, r) * sizeof(float);
    return t->gather(t, s->total, s->offset, err);
}

/* ---- Chain ----------------------------------------------------------------------------------- */

/* Ranks with chunks come first in the chain, as those without follow them. */
static size_t chain_length(const size_t *chunks, size_t ranks)
{
    size_t n = ranks;
    while (n > 1 && !chunks[n - 1]) n--;
    return n;
}

enum { NO_RANK = -1 };

/* Totals go from the last rank of the chain to all others, in ascending order: the rank behind
 * `rank` on that way. */
static int ring_behind(int rank, int last, int ranks)
{
    int next = rank == last ? 0 : rank + 1;
    if (next == last) next++;
    return next < ranks ? next : NO_RANK;
}

static int ring_before(int rank, int last)
{
    if (rank == last) return NO_RANK;
    int before = rank - 1;
    if (before == last) before--;
    return before < 0 ? last : before;
}

static ls_piece piece_of(const ls_sums *s, size_t i)
{
    if (s->piece) return s->piece[i];
    const size_t size = s->piece_size, at = i * size;
    return (ls_piece){at, s->floats - at < size ? s->floats - at : size};
}

static size_t pieces_of(const ls_sums *s)
{
    return s->piece ? s->pieces : (s->floats + s->piece_size - 1) / s->piece_size;
}

static void add_own(const ls_sums *s, size_t chunks, size_t i, bool first)
{
    const ls_piece p = piece_of(s, i);
    if (s->add) {
        s->add(s->user, i, first);
        return;
    }
    for (size_t c = 0; c < chunks; c++)
        add(s->total + p.at, s->own + c * s->stride + p.at, p.count, first && !c);
}

/* Transfers of one slot. */
typedef struct {
    const ls_sums *sums;
    ls_transfer list[4];
    size_t count;
} slot_transfers;

static void add_transfer(slot_transfers *t, bool wanted, int rank, bool out, size_t piece)
{
    /* a number before the first piece has wrapped around */
    if (!wanted || piece >= pieces_of(t->sums)) return;
    const ls_piece p = piece_of(t->sums, piece);
    t->list[t->count++] = (ls_transfer){rank, out, t->sums->total + p.at, p.count * sizeof(float)};
}

/* All ranks go through slots together. In slot t, rank r of the chain receives piece t - r, passes
 * piece t - r - 1 on, and adds its chunks to the one that it has received; totals follow behind. A
 * transfer is in the same slot on both of its ranks. */
static ls_status chain(ls_transport *t, const ls_sums *s, ls_error *err)
{
    const size_t ranks = (size_t)t->size, r = (size_t)t->rank,
                 last = chain_length(s->chunks, ranks) - 1, pieces = pieces_of(s),
                 place = r > last ? r - 1 : r; /* in the ring, behind `last` */
    const int me = t->rank, before = ring_before(me, (int)last),
              behind = ring_behind(me, (int)last, t->size);
    for (size_t slot = 0; slot < pieces + last + ranks; slot++) {
        slot_transfers now = {.sums = s};
        add_transfer(&now, r && r <= last, me - 1, false, slot - r);
        add_transfer(&now, r < last, me + 1, true, slot - r - 1);
        add_transfer(&now, before != NO_RANK, before, false, slot - last - 1 - place);
        add_transfer(&now, behind != NO_RANK, behind, true,
                     r == last ? slot - last - 1 : slot - last - 2 - place);
        if (now.count) LS_TRY(t->transfer(t, now.list, now.count, err));
        if (r <= last && slot - r < pieces && s->chunks[r])
            add_own(s, s->chunks[r], slot - r, !r && !s->onto);
    }
    return LS_OK;
}

/* ---- Both ------------------------------------------------------------------------------------ */

size_t ls_sums_piece_size(size_t floats, size_t ranks)
{
    enum { EACH = 8, MOST = 1 << 17 };
    const size_t size = floats / (EACH * ranks);
    return size < ls_sums_least_piece ? ls_sums_least_piece : size > MOST ? MOST : size;
}

/* The traffic of the busiest rank. A chain takes as many slots more than it has pieces as it has
 * ranks on both ways. */
static double cost_of(ls_sums_way way, size_t floats, const size_t *chunks, size_t ranks)
{
    const double pieces = (double)floats / (double)ls_sums_piece_size(floats, ranks) + 1;
    uint64_t most = 0;
    for (size_t r = 0; r < ranks; r++) {
        const uint64_t bytes = ls_sums_bytes(way, floats, chunks, ranks, r);
        if (bytes > most) most = bytes;
    }
    return way == LS_SUMS_GATHER ? (double)most
                                 : (double)most * (pieces + 2 * (double)ranks) / pieces;
}

ls_sums_way ls_sums_best(size_t floats, const size_t *chunks, size_t ranks)
{
    const char *forced = getenv("LOCKSTEP_RANKS_SUMS");
    if (forced && !strcmp(forced, "gather")) return LS_SUMS_GATHER;
    if (forced && !strcmp(forced, "chain")) return LS_SUMS_CHAIN;
    const double gather_cost = cost_of(LS_SUMS_GATHER, floats, chunks, ranks),
                 chain_cost = cost_of(LS_SUMS_CHAIN, floats, chunks, ranks);
    return gather_cost <= SMALL_BYTES || gather_cost <= chain_cost ? LS_SUMS_GATHER : LS_SUMS_CHAIN;
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
        const size_t last = chain_length(chunks, ranks) - 1;
        n = (uint64_t)(rank < last ? floats : 0) +
            (ring_behind((int)rank, (int)last, (int)ranks) != NO_RANK ? floats : 0);
    }
    return n * sizeof(float);
}
