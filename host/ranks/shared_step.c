/* SPDX-License-Identifier: MIT */
#include "host/ranks/shared_step.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/ranks/sums.h"
#include "kernels/norm.h"
#include <string.h>

/* One step, on this rank. */
typedef struct {
    ls_rank *rank;
    ls_workspace *workspace;
    const ls_rank_member *member;
    const ls_share *share;
    float *memory; /* the arena, if it is host memory */
    ls_part part;
    size_t batch_rows;
    size_t turn, turns;
    float loss;
    float *total; /* at the cut of the step: the total of the gradient, and this rank's sums */
    const float *own;
    ls_status status; /* of this rank's device */
    ls_error *err;    /* its message */
} step;

/* The first failure of the device counts; after it, only exchanges go on. */
static void note(step *s, ls_status status)
{
    if (s->status == LS_OK) s->status = status;
}

static ls_error *err_of(step *s) { return s->status == LS_OK ? s->err : NULL; }

/* ---- The arena ------------------------------------------------------------------------------- */

/* `count` floats of the arena at `at` to be read: in place, or read to `buffer`. */
static const float *get(step *s, size_t at, size_t count, float *buffer)
{
    if (s->memory) return s->memory + at;
    if (s->status == LS_OK && count)
        note(s, s->workspace->backend->slots->read(s->workspace, s->member->local, at, count,
                                                   buffer, err_of(s)));
    return buffer;
}

static void put(step *s, size_t at, size_t count, const float *from)
{
    if (s->memory) memmove(s->memory + at, from, count * sizeof *from);
    else if (s->status == LS_OK)
        note(s, s->workspace->backend->slots->write(s->workspace, s->member->local, at, count, from,
                                                    err_of(s)));
}

/* ---- Sums that all ranks need: those of batch norm ------------------------------------------- */

/* The sums of all chunks of the batch, `floats` each, of which this rank has its own in `own`. */
static ls_status total_of(step *s, const float *own, size_t floats, float *total, ls_error *err)
{
    ls_rank *r = s->rank;
    const size_t ranks = (size_t)r->transport->size, me = (size_t)r->transport->rank;
    size_t chunks = 0;
    for (size_t k = 0; k < ranks; k++) {
        r->offset[k] = chunks * floats * sizeof(float);
        chunks += r->chunks[k];
    }
    r->offset[ranks] = chunks * floats * sizeof(float);
    memcpy((char *)r->room + r->offset[me], own, r->chunks[me] * floats * sizeof *own);
    LS_TRY(r->transport->gather(r->transport, r->room, r->offset, err));
    memcpy(total, r->room, floats * sizeof *total);
    for (size_t c = 1; c < chunks; c++)
        for (size_t i = 0; i < floats; i++) total[i] = total[i] + r->room[c * floats + i];
    return LS_OK;
}

/* Parts of the buffer: what this rank has, and three vectors. */
typedef struct {
    float *own, *sum, *other, *third;
} norm_buffer;

static norm_buffer norm_buffer_of(const step *s, size_t width)
{
    float *at = s->rank->buffer;
    const size_t own = s->share->chunks * 2 * width;
    return (norm_buffer){at, at + own, at + own + 2 * width, at + own + 3 * width};
}

static float inverse_of_rows(const step *s, const ls_op *o)
{
    return 1.0f / (float)(s->batch_rows * ls_op_points(o));
}

static ls_status cut_norm(step *s, const ls_cut *cut, ls_error *err)
{
    const ls_op *o = &s->share->whole->step.op[cut->norm];
    const size_t n = o->out, mine = s->rank->chunks[s->rank->transport->rank];
    const float inv_rows = inverse_of_rows(s, o);
    norm_buffer b = norm_buffer_of(s, n);
    const float *own = get(s, s->share->norms, mine * n, b.own);
    LS_TRY(total_of(s, own, n, b.sum, err));
    if (cut->kind == LS_CUT_MEAN) {
        for (size_t i = 0; i < n; i++) b.sum[i] = b.sum[i] * inv_rows;
        put(s, o->mean.at, n, b.sum);
        return LS_OK;
    }
    for (size_t i = 0; i < n; i++) b.sum[i] = b.sum[i] * inv_rows;
    put(s, s->share->variance, n, b.sum);
    const float *old = get(s, o->running_var.at, n, b.other);
    for (size_t i = 0; i < n; i++) b.third[i] = ls_norm_running(old[i], b.sum[i]);
    put(s, o->running_var.at, n, b.third);
    const float *mean = get(s, o->mean.at, n, b.sum);
    old = get(s, o->running_mean.at, n, b.other);
    for (size_t i = 0; i < n; i++) b.third[i] = ls_norm_running(old[i], mean[i]);
    put(s, o->running_mean.at, n, b.third);
    return LS_OK;
}

static size_t in_gradient(const ls_share *p, ls_view v) { return v.at - p->gradient; }

/* The gradients of beta and gamma, which lie among the sums of each chunk. */
static ls_status cut_grads(step *s, const ls_cut *cut, ls_error *err)
{
    const ls_share *p = s->share;
    const ls_op *o = &p->whole->step.op[cut->norm];
    const size_t n = o->out, mine = s->rank->chunks[s->rank->transport->rank];
    norm_buffer b = norm_buffer_of(s, n);
    for (size_t c = 0; c < mine; c++) {
        const size_t at = p->sums + c * p->stride;
        const float *beta = get(s, at + in_gradient(p, o->grad_beta), n, b.other);
        memcpy(b.own + c * 2 * n, beta, n * sizeof *beta);
        const float *gamma = get(s, at + in_gradient(p, o->grad_gamma), n, b.other);
        memcpy(b.own + c * 2 * n + n, gamma, n * sizeof *gamma);
    }
    LS_TRY(total_of(s, b.own, 2 * n, b.sum, err));
    put(s, p->total + in_gradient(p, o->grad_beta), n, b.sum);
    put(s, p->total + in_gradient(p, o->grad_gamma), n, b.sum + n);
    return LS_OK;
}

/* ---- This rank's operations ---------------------------------------------------------------------
 */

/* Operations [from, to): those before the last cut need rows. */
static void run_part(step *s, size_t from, size_t to, bool needs_rows)
{
    const double started = ls_clock();
    s->part.from = from, s->part.to = to;
    if (s->status == LS_OK && from < to && (s->part.rows || !needs_rows))
        note(s, s->workspace->backend->slots->run_part(s->workspace, &s->part, err_of(s)));
    s->rank->computing += ls_clock() - started;
}

/* ---- The gradient ---------------------------------------------------------------------------- */

/* The gradient of all turns so far, and their loss, which follows it; or this rank's part of both.
 * On a device with memory of its own the total is kept in the buffer until the last turn. */
/* This rank's chunks of a piece of the total, which has come along the chain. */
static void add_to_piece(void *user, size_t number, bool first)
{
    step *s = user;
    const ls_share *p = s->share;
    const ls_piece piece = p->piece[number];
    const ls_piece_slice *slice = &p->slice[number];
    if (p->slices && slice->to) {
        s->part.slice = (ls_weight_slice){slice->from, slice->to, !first};
        run_part(s, slice->op, slice->op + 1, true);
        s->part.slice = (ls_weight_slice){0};
        return;
    }
    float *total = s->total + piece.at;
    const float *own = s->own + piece.at;
    for (size_t c = 0; c < s->rank->chunks[p->rank]; c++, own += p->stride, first = false)
        for (size_t i = 0; i < piece.count; i++) total[i] = first ? own[i] : total[i] + own[i];
}

static ls_status cut_step(step *s, ls_error *err)
{
    const ls_share *p = s->share;
    ls_rank *r = s->rank;
    const size_t n = p->plan.parameters, mine = r->chunks[r->transport->rank];
    float *total = s->total = s->memory ? s->memory + p->total : r->buffer;
    s->own = get(s, p->sums, mine * p->stride, r->buffer + p->stride);
    const ls_sums sums = {.own = s->own,
                          .stride = p->stride,
                          .floats = n + 1,
                          .chunks = r->chunks,
                          .onto = s->turn > 0,
                          .total = total,
                          .room = r->room,
                          .offset = r->offset,
                          .piece = p->piece,
                          .pieces = p->pieces,
                          .add = add_to_piece,
                          .user = s};
    LS_TRY(p->split ? ls_sums_reduce(r->transport, &sums, err)
                    : ls_sums_total(r->transport, p->way, &sums, err));
    s->loss = total[n]; /* with split, on the last rank alone */
    if (s->memory || s->turn + 1 < s->turns) return LS_OK;
    const size_t first = p->split ? p->first : 0, after = p->split ? p->after : n;
    put(s, p->total + first, after - first, total + first);
    return LS_OK;
}

/* All parameters, of which each rank has updated its own. */
static ls_status cut_parameters(step *s, ls_error *err)
{
    const ls_share *p = s->share;
    ls_rank *r = s->rank;
    const size_t n = p->plan.parameters;
    float *all = s->memory ? s->memory : r->buffer;
    for (size_t k = 0; k <= p->ranks; k++) {
        const size_t at = ls_sums_part(n + 1, p->ranks, k);
        r->offset[k] = (at < n ? at : n) * sizeof *all;
    }
    (void)get(s, p->first, p->after - p->first, all + p->first);
    LS_TRY(r->transport->gather(r->transport, all, r->offset, err));
    if (!s->memory) put(s, 0, n, all);
    return LS_OK;
}

/* ---- A step ---------------------------------------------------------------------------------- */

static ls_status exchange(step *s, const ls_cut *cut, ls_error *err)
{
    switch (cut->kind) {
    case LS_CUT_MEAN:
    case LS_CUT_VARIANCE: return cut_norm(s, cut, err);
    case LS_CUT_GRADS: return cut_grads(s, cut, err);
    case LS_CUT_STEP: return cut_step(s, err);
    case LS_CUT_PARAMETERS: return cut_parameters(s, err);
    default: return LS_OK;
    }
}

/* This rank's rows of the turn. */
static void take_rows(step *s)
{
    ls_rank *r = s->rank;
    size_t first;
    for (size_t k = 0; k < s->share->ranks; k++)
        ls_share_chunks(s->share, s->batch_rows, s->turn, k, &first, &r->chunks[k]);
    ls_share_chunks(s->share, s->batch_rows, s->turn, s->share->rank, &first,
                    &r->chunks[s->share->rank]);
    const size_t rows = r->chunks[s->share->rank] * LS_CHUNK;
    s->part.first = first * LS_CHUNK;
    s->part.rows = rows;
    if (rows && s->batch_rows - s->part.first < rows) s->part.rows = s->batch_rows - s->part.first;
}

/* Operations up to the gradient are run in each turn, those after it once. */
static ls_status run_step(step *s, ls_error *err)
{
    const ls_share *p = s->share;
    s->batch_rows = ls_plan_batch(&p->plan, s->part.step).rows;
    s->turns = ls_share_turns(p, s->batch_rows);
    for (s->turn = 0; s->turn < s->turns; s->turn++) {
        bool summed = false;
        take_rows(s);
        for (size_t i = 0, from = 0; i < p->cuts; from = p->cut[i++].end) {
            if (summed && s->turn + 1 < s->turns) break;
            run_part(s, from, p->cut[i].end, !summed);
            const double started = ls_clock() - s->rank->computing; /* slices are computed there */
            LS_TRY(exchange(s, &p->cut[i], err));
            s->rank->exchanging += ls_clock() - s->rank->computing - started;
            summed |= p->cut[i].kind == LS_CUT_STEP;
        }
    }
    return LS_OK;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static size_t widest_norm(const ls_plan *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->step.count; i++)
        if (p->step.op[i].kind == LS_OP_NORM) most = larger(most, p->step.op[i].out);
    return most;
}

ls_status ls_shared_reserve(ls_rank *r, const ls_share *p, bool copies, ls_error *err)
{
    const size_t ranks = (size_t)r->transport->size, width = widest_norm(p->whole),
                 norms = (p->chunks * 2 + 4) * width,
                 room = larger(ls_sums_room(p->plan.parameters + 1, p->chunks * ranks, ranks),
                               p->chunks * ranks * 2 * width),
                 buffer = larger(norms, p->stride * (copies ? p->chunks + 1 : 1));
    LS_TRY(ls_grow(&r->room, &r->room_floats, room, sizeof *r->room, "an exchange", err));
    return ls_grow(&r->buffer, &r->buffer_floats, buffer, sizeof *r->buffer, "an exchange", err);
}

ls_status ls_shared_run(ls_rank *r, ls_workspace *w, const ls_rank_member *m, uint64_t first,
                        uint64_t count, const ls_rates *rates, float *losses, ls_error *err)
{
    ls_error failed = {0};
    step s = {.rank = r,
              .workspace = w,
              .member = m,
              .share = m->share,
              .memory = w->backend->slots->memory(w, m->local),
              .err = &failed};
    const uint64_t before = r->transport->sent;
    for (uint64_t i = 0; i < count; i++) {
        s.part = (ls_part){.member = m->local, .step = first + i, .rates = &rates[i]};
        LS_TRY(run_step(&s, err));
        losses[i] = s.loss;
    }
    /* with split, the last rank has the losses */
    if (m->share->split)
        LS_TRY(r->transport->broadcast(r->transport, r->transport->size - 1, losses,
                                       (size_t)count * sizeof *losses, false, err));
    r->steps += count, r->bytes += r->transport->sent - before;
    return s.status == LS_OK ? LS_OK : ls_fail(err, s.status, "%s", failed.message);
}
