/* SPDX-License-Identifier: MIT */
#include "host/ranks/deal.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/data/read.h"
#include <stdlib.h>
#include <string.h>

/* ---- Whose rows ------------------------------------------------------------------------------ */

/* Rows [first, first + count) are of one rank. */
typedef struct {
    size_t first, count;
    int rank;
} range;

typedef struct {
    range *list; /* of all rows, ascending */
    size_t count, room;
} ranges;

static ls_status add_range(ranges *r, size_t first, size_t count, int rank, ls_error *err)
{
    if (!count) return LS_OK;
    LS_TRY(ls_grow(&r->list, &r->room, r->count + 1, sizeof *r->list, "ranks", err));
    r->list[r->count++] = (range){first, count, rank};
    return LS_OK;
}

size_t ls_first_inferred(size_t capacity, size_t rows, int rank, int ranks)
{
    const size_t blocks = (rows + capacity - 1) / capacity,
                 first = blocks * (size_t)rank / (size_t)ranks * capacity;
    return first < rows ? first : rows;
}

static ls_status divide_batch(ranges *r, const ls_ask *a, int ranks, size_t at, size_t batch,
                              ls_error *err)
{
    size_t first, count;
    for (size_t turn = 0; ls_share_rows(a->to, (size_t)ranks, 0, batch, turn, &first, &count);
         turn++)
        for (int k = 0; k < ranks; k++) {
            (void)ls_share_rows(a->to, (size_t)ranks, (size_t)k, batch, turn, &first, &count);
            LS_TRY(add_range(r, at + first, count, k, err));
        }
    return LS_OK;
}

/* The training rows as batches are shared, and the validation rows as their inference is. */
static ls_status divide(ranges *r, const ls_ask *a, int ranks, ls_error *err)
{
    const size_t held = a->rows - a->at, capacity = a->member;
    if (!a->at) return add_range(r, 0, a->rows, LS_LEADER, err);
    for (size_t at = 0; at < a->at; at += a->count)
        LS_TRY(divide_batch(r, a, ranks, at, a->at - at < a->count ? a->at - at : a->count, err));
    if (held <= capacity) return add_range(r, a->at, held, LS_LEADER, err);
    for (int k = 0; k < ranks; k++) {
        const size_t first = ls_first_inferred(capacity, held, k, ranks);
        LS_TRY(add_range(r, a->at + first, ls_first_inferred(capacity, held, k + 1, ranks) - first,
                         k, err));
    }
    return LS_OK;
}

/* ---- Passing them on ------------------------------------------------------------------------- */

/* ROWS: they follow. WAIT: the leader is alive, although it has nothing for this rank yet. FETCH:
 * the rank sends the cells of these rows of the file. */
typedef enum { DEAL_ROWS, DEAL_WAIT, DEAL_FETCH, DEAL_END } deal_kind;
typedef struct {
    deal_kind kind;
    size_t first, count;
} deal_head;

/* Seconds between two signs of life of the leader: ranks that are to stop wait 0.4 s for one. */
static const double alive_seconds = 0.1;

typedef struct {
    ls_rank *rank;
    const ls_ask *ask;
    const ls_rows *to;
    ranges ranges;
    size_t next; /* of them */
} dealing;

static ls_status send(ls_rank *r, int to, const void *at, size_t bytes, ls_error *err)
{
    const ls_transfer one = {to, true, (void *)at, bytes};
    return bytes ? r->transport->transfer(r->transport, &one, 1, err) : LS_OK;
}

static ls_status receive_from(ls_rank *r, int from, void *at, size_t bytes, ls_error *err)
{
    const ls_transfer one = {from, false, at, bytes};
    return bytes ? r->transport->transfer(r->transport, &one, 1, err) : LS_OK;
}

static ls_status receive(ls_rank *r, void *at, size_t bytes, ls_error *err)
{
    return receive_from(r, LS_LEADER, at, bytes, err);
}

static ls_status tell_all(ls_rank *r, deal_kind kind, ls_error *err)
{
    const deal_head head = {.kind = kind};
    for (int k = 1; k < r->transport->size; k++) LS_TRY(send(r, k, &head, sizeof head, err));
    return LS_OK;
}

/* Called again and again while the leader works, so that no rank takes it for dead. */
static ls_status stay_alive(ls_rank *r, ls_error *err)
{
    const double now = ls_clock();
    if (now - r->told < alive_seconds) return LS_OK;
    r->told = now;
    return tell_all(r, DEAL_WAIT, err);
}

/* The followers answer heads from here on, and do so no more. */
static void begin_serving(ls_rank *r) { r->serving = true, r->told = ls_clock(); }

static ls_status end_serving(ls_rank *r, ls_status status, ls_error *err)
{
    ls_error late;
    r->serving = false;
    const ls_status told = tell_all(r, DEAL_END, &late);
    return status == LS_OK && told != LS_OK ? ls_fail(err, told, "%s", late.message) : status;
}

/* Floats of a row in each array. */
static void widths_of(const ls_ask *a, size_t width[3])
{
    width[0] = a->features, width[1] = a->outputs, width[2] = a->weighted ? 1 : 0;
}

static ls_status give(const dealing *d, int to, size_t first, size_t rows,
                      const float *const from[3], ls_error *err)
{
    const deal_head head = {DEAL_ROWS, first, rows};
    const float *const own[3] = {d->to->x, d->to->t, d->to->row_weight};
    size_t width[3];
    widths_of(d->ask, width);
    if (to != LS_LEADER) LS_TRY(send(d->rank, to, &head, sizeof head, err));
    for (int i = 0; i < 3; i++) {
        const size_t bytes = rows * width[i] * sizeof(float);
        if (to != LS_LEADER) LS_TRY(send(d->rank, to, from[i], bytes, err));
        else if (bytes) memcpy((float *)own[i] + first * width[i], from[i], bytes);
    }
    return LS_OK;
}

static ls_status deal_out(void *user, size_t first, size_t rows, const float *x, const float *t,
                          const float *row_weight, ls_error *err)
{
    dealing *d = user;
    const float *from[3] = {x, t, row_weight};
    size_t width[3];
    widths_of(d->ask, width);
    LS_TRY(stay_alive(d->rank, err));
    while (rows) {
        const range *r = &d->ranges.list[d->next];
        const size_t left = r->first + r->count - first, n = rows < left ? rows : left;
        LS_TRY(give(d, r->rank, first, n, from, err));
        for (int i = 0; i < 3; i++) from[i] = from[i] ? from[i] + n * width[i] : NULL;
        first += n, rows -= n;
        d->next += n == left;
    }
    return LS_OK;
}

static ls_status lead(ls_rank *r, const ls_ask *a, const ls_row_source *source, const ls_rows *to,
                      ls_error *err)
{
    dealing d = {.rank = r, .ask = a, .to = to};
    begin_serving(r);
    ls_status status = divide(&d.ranges, a, r->transport->size, err);
    if (status == LS_OK) status = source->make(source, deal_out, &d, err);
    free(d.ranges.list);
    return end_serving(r, status, err);
}

/* to: NULL if no rows are dealt. */
static ls_status follow(ls_rank *r, const ls_ask *a, const ls_rows *to, ls_error *err)
{
    const float *const own[3] = {to ? to->x : NULL, to ? to->t : NULL, to ? to->row_weight : NULL};
    size_t width[3];
    deal_head head = {0};
    widths_of(a, width);
    for (;;) {
        LS_TRY(receive(r, &head, sizeof head, err));
        if (head.kind == DEAL_END) return LS_OK;
        if (head.kind == DEAL_FETCH)
            LS_TRY(send(r, LS_LEADER, r->kept + (head.first - r->kept_first) * r->kept_columns,
                        head.count * r->kept_columns * sizeof(float), err));
        for (int i = 0; head.kind == DEAL_ROWS && i < 3; i++)
            LS_TRY(receive(r, (float *)own[i] + head.first * width[i],
                           head.count * width[i] * sizeof(float), err));
    }
}

ls_status ls_deal_rows(ls_rank *r, const ls_ask *a, const ls_row_source *source, const ls_rows *to,
                       ls_error *err)
{
    return r->transport->rank == LS_LEADER ? lead(r, a, source, to, err) : follow(r, a, to, err);
}

/* ---- Cells that ranks have read -------------------------------------------------------------- */

/* The first row of a rank's part of a file, which are whole blocks. */
static size_t first_kept(const ls_apart *apart, int rank, int ranks)
{
    const size_t blocks = (apart->rows + LS_APART_BLOCK - 1) / LS_APART_BLOCK,
                 first = blocks * (size_t)rank / (size_t)ranks * LS_APART_BLOCK;
    return first < apart->rows ? first : apart->rows;
}

static ls_status keep(void *user, size_t first, size_t rows, const float *x, ls_error *err)
{
    ls_rank *r = user;
    if (first < r->kept_first || first + rows > r->kept_first + r->kept_rows)
        return ls_fail(err, LS_ERR_IO, "the file has changed since rank 0 read it; start again");
    memcpy(r->kept + (first - r->kept_first) * r->kept_columns, x,
           rows * r->kept_columns * sizeof *x);
    return LS_OK;
}

static ls_status read_part(ls_rank *r, const ls_apart *apart, ls_error *err)
{
    const int rank = r->transport->rank, ranks = r->transport->size;
    const size_t first = first_kept(apart, rank, ranks), end = first_kept(apart, rank + 1, ranks);
    free(r->kept);
    r->kept = NULL;
    r->kept_first = first, r->kept_rows = end - first, r->kept_columns = apart->columns;
    LS_TRY(ls_alloc(&r->kept, r->kept_rows, r->kept_columns * sizeof *r->kept, "the rows", err));
    return r->kept_rows ? apart->pass(apart, first, r->kept_rows, keep, r, err) : LS_OK;
}

ls_status ls_keep_rows(ls_rank *r, const ls_ask *a, const void *payload, const ls_apart *apart,
                       ls_error *err)
{
    ls_apart *unpacked = NULL;
    if (!apart) LS_TRY(ls_apart_unpack(payload, a->bytes, &unpacked, err));
    ls_status status = read_part(r, apart ? apart : unpacked, err);
    ls_apart_free(unpacked);
    return status;
}

ls_status ls_fetch_rows(ls_rank *r, const ls_apart *apart, ls_apart_take *take, void *user,
                        ls_error *err)
{
    const size_t columns = apart->columns;
    ls_status status = LS_OK;
    float *room;
    LS_TRY(ls_alloc(&room, LS_APART_BLOCK, columns * sizeof *room, "the rows", err));
    for (int k = 0; k < r->transport->size; k++) {
        const size_t end = first_kept(apart, k + 1, r->transport->size);
        size_t first = first_kept(apart, k, r->transport->size);
        for (size_t rows; first < end && status == LS_OK; first += rows) {
            rows = end - first < LS_APART_BLOCK ? end - first : LS_APART_BLOCK;
            const deal_head head = {DEAL_FETCH, first, rows};
            const float *x = k ? room : r->kept + (first - r->kept_first) * columns;
            if (k) status = send(r, k, &head, sizeof head, err);
            if (k && status == LS_OK)
                status = receive_from(r, k, room, rows * columns * sizeof *room, err);
            if (status == LS_OK) status = take(user, first, rows, x, err);
            if (status == LS_OK) status = stay_alive(r, err);
        }
    }
    free(room);
    return status;
}

ls_status ls_serve_rows(ls_rank *r, const ls_ask *a, const ls_apart *apart, ls_apart_take *take,
                        void *user, ls_error *err)
{
    if (r->transport->rank != LS_LEADER) return follow(r, a, NULL, err);
    begin_serving(r);
    return end_serving(r, ls_fetch_rows(r, apart, take, user, err), err);
}
