/* SPDX-License-Identifier: MIT */
#include "host/ranks/rank.h"
#include "host/base/memory.h"
#include "host/ranks/deal.h"
#include "host/ranks/shared_step.h"
#include <stdlib.h>
#include <string.h>

/* Bytes of an array in one message: MPI counts in an int. */
enum { MESSAGE_MOST = 1 << 26 };

/* ---- Messages -------------------------------------------------------------------------------- */

/* An array that the leader has, to all others. */
static ls_status to_all(ls_rank *r, void *at, size_t bytes, ls_error *err)
{
    for (size_t done = 0; done < bytes; done += MESSAGE_MOST) {
        const size_t n = bytes - done < MESSAGE_MOST ? bytes - done : MESSAGE_MOST;
        LS_TRY(r->transport->broadcast(r->transport, LS_LEADER, (char *)at + done, n, false, err));
    }
    return LS_OK;
}

/* An array of one rank to another, called by these two; nothing if they are the same. */
static ls_status pass(ls_rank *r, int from, int to, void *at, size_t bytes, ls_error *err)
{
    const bool out = r->transport->rank == from;
    if (from == to || (!out && r->transport->rank != to)) return LS_OK;
    for (size_t done = 0; done < bytes; done += MESSAGE_MOST) {
        const size_t n = bytes - done < MESSAGE_MOST ? bytes - done : MESSAGE_MOST;
        const ls_transfer one = {out ? to : from, out, (char *)at + done, n};
        LS_TRY(r->transport->transfer(r->transport, &one, 1, err));
    }
    return LS_OK;
}

bool ls_rank_takes_part(const ls_rank *r, const ls_ask *a)
{
    return a->owner == LS_ALL_RANKS || a->owner == r->transport->rank || ls_is_leader(r);
}

/* What a rank says of a request. */
typedef struct {
    int status;
    char message[252];
} outcome;

ls_status ls_rank_settle(ls_rank *r, const ls_ask *a, ls_status status, ls_error *err)
{
    ls_transport *t = r->transport;
    outcome said = {.status = status};
    int who = a->owner;
    if (status != LS_OK && err) snprintf(said.message, sizeof said.message, "%.251s", err->message);
    if (a->owner != LS_ALL_RANKS) {
        if (a->owner == LS_LEADER || !ls_rank_takes_part(r, a)) return status;
        LS_TRY(pass(r, a->owner, LS_LEADER, &said, sizeof said, err));
    } else {
        int *all = (int *)(void *)r->room;
        int failed = -1;
        for (int k = 0; k <= t->size; k++) r->offset[k] = (size_t)k * sizeof *all;
        all[t->rank] = status;
        LS_TRY(t->gather(t, all, r->offset, err));
        for (int k = t->size; k-- > 0;)
            if (all[k] != LS_OK) failed = k;
        if (failed < 0) return LS_OK;
        LS_TRY(t->broadcast(t, failed, &said, sizeof said, false, err));
        who = failed;
    }
    if (said.status == LS_OK || who == t->rank) return (ls_status)said.status;
    said.message[sizeof said.message - 1] = '\0';
    return ls_fail(err, (ls_status)said.status, "rank %d: %s", who, said.message);
}

/* ---- Workspaces ------------------------------------------------------------------------------ */

static const ls_backend_slots *slots(const ls_rank *r) { return r->local->slots; }

static ls_rank_member *member_of(ls_rank *r, const ls_ask *a)
{
    return &r->list[a->workspace].member[a->member];
}

static bool is_mine(const ls_rank *r, const ls_rank_member *m)
{
    return m->owner == LS_ALL_RANKS || m->owner == r->transport->rank;
}

/* Whether the member is on this rank. */
static bool is_here(const ls_rank *r, const ls_rank_member *m) { return m->plan && is_mine(r, m); }

static void free_received(ls_rank_workspace *w)
{
    for (int i = 0; i < 3; i++) {
        ls_release(w->received[i], w->floats[i], sizeof(float));
        w->received[i] = NULL;
    }
}

/* Places for rows: reserved, as a rank may get only some of them. */
static ls_status reserve_rows(ls_rank_workspace *w, const ls_ask *a, ls_rows *out, ls_error *err)
{
    const size_t width[3] = {a->features, a->outputs, a->weighted ? 1 : 0};
    free_received(w);
    for (int i = 0; i < 3; i++) {
        if (!ls_mul_size(a->rows, width[i], &w->floats[i]))
            return ls_fail(err, LS_ERR_MEMORY, "the data are too large for this machine");
        LS_TRY((a->which ? ls_reserve_sparse : ls_reserve)(&w->received[i], w->floats[i],
                                                           sizeof(float), "the data", err));
    }
    *out = (ls_rows){.rows = a->rows,
                     .features = a->features,
                     .outputs = a->outputs,
                     .x = w->received[0],
                     .t = w->received[1],
                     .row_weight = a->weighted ? w->received[2] : NULL};
    return LS_OK;
}

/* Rows [first, first + count) of the leader to all ranks, or to one. */
static ls_status send_rows(ls_rank *r, const ls_ask *a, const ls_rows *data, int to, size_t first,
                           size_t count, ls_error *err)
{
    const float *const at[3] = {data->x, data->t, data->row_weight};
    const size_t width[3] = {a->features, a->outputs, a->weighted ? 1 : 0};
    for (int i = 0; i < 3; i++) {
        const size_t bytes = count * width[i] * sizeof(float);
        if (!bytes) continue;
        void *rows = (void *)(at[i] + first * width[i]);
        LS_TRY(to == LS_ALL_RANKS ? to_all(r, rows, bytes, err)
                                  : pass(r, LS_LEADER, to, rows, bytes, err));
    }
    return LS_OK;
}

/* Of each batch, its rows to each rank. */
static ls_status send_batches(ls_rank *r, const ls_ask *a, const ls_rows *data, ls_error *err)
{
    const int ranks = r->transport->size;
    for (size_t at = 0; at < a->at; at += a->count) {
        const size_t batch = a->at - at < a->count ? a->at - at : a->count;
        for (int k = 1; k < ranks; k++) {
            size_t first, count;
            for (size_t turn = 0;
                 ls_share_rows(a->to, (size_t)ranks, (size_t)k, batch, turn, &first, &count);
                 turn++)
                LS_TRY(send_rows(r, a, data, k, at + first, count, err));
        }
    }
    return LS_OK;
}

/* Room for the workspace of that number. */
static ls_status reserve_workspace(ls_rank *r, size_t number, ls_error *err)
{
    LS_TRY(ls_grow(&r->list, &r->list_room, number + 1, sizeof *r->list, "workspaces", err));
    if (number >= r->count) r->count = number + 1;
    return LS_OK;
}

/* The rows: the leader's own, or received. */
static ls_status take_rows(ls_rank *r, const ls_ask *a, const ls_ask_with *with, ls_rows *out,
                           ls_error *err)
{
    ls_status status = reserve_workspace(r, a->workspace, err);
    if (ls_is_leader(r) && !a->which) *out = *with->rows;
    else if (status == LS_OK) status = reserve_rows(&r->list[a->workspace], a, out, err);
    /* the rows are sent only if all ranks have room for them */
    LS_TRY(ls_rank_settle(r, &(ls_ask){.owner = LS_ALL_RANKS}, status, err));
    if (a->which)
        return ls_deal_rows(r, a, (const ls_row_source *)(const void *)with->rows, out, err);
    if (a->at) LS_TRY(send_batches(r, a, out, err));
    return send_rows(r, a, out, LS_ALL_RANKS, a->at, a->rows - a->at, err);
}

static ls_status rows(ls_rank *r, const ls_ask *a, const ls_ask_with *with, ls_error *err)
{
    ls_rows data;
    LS_TRY(take_rows(r, a, with, &data, err));
    ls_rank_workspace *w = &r->list[a->workspace];
    return a->flag ? slots(r)->workspace_load(w->local, &data, err)
                   : slots(r)->workspace_open(r->local, &data, &w->local, err);
}

static void forget_member(ls_rank *r, ls_rank_workspace *w, ls_rank_member *m)
{
    if (is_here(r, m) && w->local) slots(r)->member_remove(w->local, m->local);
    ls_segment_close(m->segment);
    ls_share_free(m->share);
    if (m->taken) free((void *)m->plan);
    *m = (ls_rank_member){0};
}

static void leave(ls_rank *r, ls_rank_workspace *w)
{
    for (size_t i = 0; i < w->count; i++) forget_member(r, w, &w->member[i]);
    if (w->local) slots(r)->workspace_close(w->local);
    free(w->member);
    free_received(w);
    *w = (ls_rank_workspace){0};
}

/* ---- Members --------------------------------------------------------------------------------- */

/* A copy of a plan that was sent as bytes, in one block. */
static ls_status copy_plan(const void *bytes, size_t size, const ls_plan **out, ls_error *err)
{
    ls_plan *p;
    LS_TRY(ls_alloc(&p, 1, size, "a plan", err));
    memcpy(p, bytes, size);
    p->step.op = (ls_op *)(p + 1);
    p->infer.op = p->step.op + p->step.count;
    p->step.capacity = p->step.count, p->infer.capacity = p->infer.count;
    *out = p;
    return LS_OK;
}

/* How ranks share the steps of a member: in a segment, if all of them can have one. status: of this
 * rank so far; whatever it is, all ranks look for a segment together. */
static ls_status share(ls_rank *r, ls_rank_member *m, ls_status status, ls_error *err)
{
    const size_t ranks = (size_t)r->transport->size, me = (size_t)r->transport->rank;
    const bool able = status == LS_OK && slots(r)->in_place && ls_share_in_segment(m->plan, ranks);
    ls_share *s = NULL;
    const bool built = able &&
                       ls_share_build(m->plan, ranks, me, LS_SHARE_SEGMENT, &s, NULL) == LS_OK;
    ls_error late;
    ls_status opened = ls_segment_open(r->transport, built, built ? &s->shape : NULL, &m->segment,
                                       &late);
    if (m->segment) {
        s->plan.memory = ls_segment_arena(m->segment, me);
        m->share = s;
        return LS_OK;
    }
    ls_share_free(s);
    if (status != LS_OK) return status;
    if (opened != LS_OK) return ls_fail(err, opened, "%s", late.message);
    return ls_share_build(m->plan, ranks, me, slots(r)->in_place ? LS_SHARE_HOST : LS_SHARE_DEVICE,
                          &m->share, err);
}

static ls_status place(ls_rank *r, ls_rank_workspace *w, ls_rank_member *m, size_t origin,
                       ls_error *err)
{
    const ls_plan *plan = m->share ? &m->share->plan : m->plan;
    LS_TRY(slots(r)->member_add(w->local, plan, origin, &m->local, err));
    if (!m->share) return LS_OK;
    ls_status status = ls_shared_reserve(r, m->share, !slots(r)->memory(w->local, m->local), err);
    if (status != LS_OK) slots(r)->member_remove(w->local, m->local);
    return status;
}

/* Its number, and its plan if it is to be here. */
static ls_status take_member(ls_rank *r, const ls_ask *a, const ls_ask_with *with,
                             ls_rank_member *m, ls_error *err)
{
    ls_rank_workspace *w = &r->list[a->workspace];
    LS_TRY(ls_grow(&w->member, &w->room, a->member + 1, sizeof *w->member, "members", err));
    if (a->member >= w->count) w->count = a->member + 1;
    if (with->plan || !is_mine(r, m)) return LS_OK;
    LS_TRY(copy_plan(with->payload, a->bytes, &m->plan, err));
    m->taken = true;
    return LS_OK;
}

static ls_status add(ls_rank *r, const ls_ask *a, const ls_ask_with *with, ls_error *err)
{
    ls_rank_workspace *w = &r->list[a->workspace];
    ls_rank_member m = {.plan = with->plan, .owner = a->which, .origin = a->at};
    ls_status status = take_member(r, a, with, &m, err);
    if (m.owner == LS_ALL_RANKS) status = share(r, &m, status, err);
    if (status == LS_OK && is_here(r, &m)) status = place(r, w, &m, a->at, err);
    if (status == LS_OK) {
        w->member[a->member] = m;
        return LS_OK;
    }
    ls_segment_close(m.segment);
    ls_share_free(m.share);
    if (m.taken) free((void *)m.plan);
    if (a->member < w->count) w->member[a->member] = (ls_rank_member){0};
    return status;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* The losses of steps that another rank ran, to the leader. */
static ls_status collect(ls_rank *r, const ls_rank_member *m, float *losses, uint64_t steps,
                         ls_error *err)
{
    if (m->owner == LS_ALL_RANKS) return LS_OK;
    return pass(r, m->owner, LS_LEADER, losses, (size_t)steps * sizeof *losses, err);
}

/* Those members that are on this rank, as one call. */
static ls_status run_placed(ls_rank *r, ls_rank_workspace *w, const ls_ask *a,
                            const ls_asked_run *asked, const ls_rates *rates, float *losses,
                            ls_error *err)
{
    ls_run *runs;
    size_t n = 0;
    LS_TRY(ls_alloc(&runs, a->count, sizeof *runs, "a call", err));
    for (size_t i = 0; i < a->count; i++) {
        const ls_rank_member *m = &w->member[asked[i].member];
        if (m->owner == r->transport->rank)
            runs[n++] = (ls_run){m->local, asked[i].first, asked[i].count,
                                 rates,    losses,         asked[i].keep != 0};
        rates += asked[i].count, losses += asked[i].count;
    }
    ls_status status = n ? slots(r)->run(w->local, runs, n, err) : LS_OK;
    free(runs);
    return status;
}

static ls_status run(ls_rank *r, const ls_ask *a, const ls_ask_with *with, ls_error *err)
{
    ls_rank_workspace *w = &r->list[a->workspace];
    const ls_asked_run *asked = with->payload;
    const ls_rates *rates = (const ls_rates *)(asked + a->count), *next = rates;
    ls_error failed = {0};
    float *losses, *at;
    uint64_t steps = 0;
    for (size_t i = 0; i < a->count; i++) steps += asked[i].count;
    ls_status status = ls_alloc(&losses, (size_t)steps, sizeof *losses, "a call", &failed);
    if (status != LS_OK) ls_fail(err, status, "%s", failed.message);
    /* without room for losses no exchange can begin: all give up together */
    status = ls_rank_settle(r, a, status, err);
    if (status != LS_OK) {
        free(losses);
        return status;
    }
    at = losses;
    for (size_t i = 0; i < a->count && status == LS_OK; i++) {
        const ls_rank_member *m = &w->member[asked[i].member];
        if (m->owner == LS_ALL_RANKS)
            status = ls_shared_run(r, w->local, m, asked[i].first, asked[i].count, next, at,
                                   &failed);
        next += asked[i].count, at += asked[i].count;
    }
    if (status == LS_OK) status = run_placed(r, w, a, asked, rates, losses, &failed);
    if (status != LS_OK) ls_fail(err, status, "%s", failed.message);
    at = losses;
    for (size_t i = 0; i < a->count; at += asked[i++].count) {
        ls_error late;
        ls_status passed = collect(r, &w->member[asked[i].member], at, asked[i].count, &late);
        if (passed != LS_OK && status == LS_OK) status = ls_fail(err, passed, "%s", late.message);
        if (ls_is_leader(r)) memcpy(with->runs[i].losses, at, (size_t)asked[i].count * sizeof *at);
    }
    free(losses);
    return status;
}

/* ---- Inference ------------------------------------------------------------------------------- */

/* Rows of a shared inference are divided in whole blocks. */
static size_t first_row(const ls_plan *p, size_t rows, int rank, int ranks)
{
    return ls_first_inferred(p->capacity, rows, rank, ranks);
}

static ls_status infer(ls_rank *r, const ls_ask *a, const ls_ask_with *with, ls_error *err)
{
    ls_rank_workspace *w = &r->list[a->workspace];
    const ls_rank_member *m = member_of(r, a);
    const bool outputs = a->which & LS_ASK_OUTPUTS, losses = a->which & LS_ASK_LOSSES;
    const size_t width = m->plan->outputs;
    float *to = with->to, *loss = with->losses, *own = NULL;
    ls_status status = LS_OK;
    if (!ls_is_leader(r)) {
        status = ls_alloc(&own, a->count, (outputs ? width + 1 : 1) * sizeof *own, "outputs", err);
        to = own, loss = status == LS_OK ? own + (outputs ? a->count * width : 0) : NULL;
    }
    const bool shared = m->owner == LS_ALL_RANKS;
    status = ls_rank_settle(r, a, status, err);
    if (status != LS_OK) {
        free(own);
        return status;
    }
    for (int k = 0; k < r->transport->size; k++) {
        const size_t from = shared ? first_row(m->plan, a->count, k, r->transport->size) : 0,
                     end = shared ? first_row(m->plan, a->count, k + 1, r->transport->size)
                                  : a->count;
        const bool mine = shared ? k == r->transport->rank : m->owner == r->transport->rank;
        if (from < end && mine)
            status = slots(r)->infer(w->local, m->local, a->at + from, end - from,
                                     outputs ? to + from * width : NULL,
                                     losses ? loss + from : NULL, err);
        if (!shared) break;
    }
    for (int k = 0; k < r->transport->size; k++) {
        const int owner = shared ? k : m->owner;
        const size_t from = shared ? first_row(m->plan, a->count, k, r->transport->size) : 0,
                     end = shared ? first_row(m->plan, a->count, k + 1, r->transport->size)
                                  : a->count;
        ls_error late;
        ls_status passed = LS_OK;
        if (outputs)
            passed = pass(r, owner, LS_LEADER, to + from * width, (end - from) * width * sizeof *to,
                          &late);
        if (losses && passed == LS_OK)
            passed = pass(r, owner, LS_LEADER, loss + from, (end - from) * sizeof *loss, &late);
        if (passed != LS_OK && status == LS_OK) status = ls_fail(err, passed, "%s", late.message);
        if (!shared) break;
    }
    free(own);
    return status;
}

/* ---- Arenas ---------------------------------------------------------------------------------- */

/* What this rank holds of floats [at, at + count) of a member's arena. */
static size_t held(const ls_rank_member *m, size_t at, size_t count, ls_range out[LS_SHARE_RANGES])
{
    if (m->share) return ls_share_held(m->share, m->share->rank, at, count, out);
    out[0] = (ls_range){at, count};
    return count > 0;
}

/* From the leader: a shared member's to all, and each keeps what it holds. */
static ls_status write_arena(ls_rank *r, const ls_ask *a, const ls_rank_member *m, float *from,
                             ls_error *err)
{
    const size_t bytes = a->count * sizeof *from;
    const ls_rank_workspace *w = &r->list[a->workspace];
    ls_range range[LS_SHARE_RANGES];
    LS_TRY(m->owner == LS_ALL_RANKS ? to_all(r, from, bytes, err)
                                    : pass(r, LS_LEADER, m->owner, from, bytes, err));
    if (!is_here(r, m)) return LS_OK;
    for (size_t i = 0, n = held(m, a->at, a->count, range); i < n; i++)
        LS_TRY(slots(r)->write(w->local, m->local, range[i].at, range[i].count,
                               from + (range[i].at - a->at), err));
    return LS_OK;
}

/* The optimizer's states of a shared member, each from the rank that has them. */
static ls_status read_states(ls_rank *r, const ls_ask *a, const ls_rank_member *m, float *to,
                             ls_error *err)
{
    const ls_rank_workspace *w = &r->list[a->workspace];
    ls_range range[LS_SHARE_RANGES];
    ls_status status = LS_OK;
    for (int k = 1; k < r->transport->size; k++) {
        const size_t n = ls_share_own(m->share, (size_t)k, a->at, a->count, range);
        for (size_t i = 0; i < n; i++) {
            float *at = to + (range[i].at - a->at);
            if (k == r->transport->rank && status == LS_OK)
                status = slots(r)->read(w->local, m->local, range[i].at, range[i].count, at, err);
            LS_TRY(pass(r, k, LS_LEADER, at, range[i].count * sizeof *at, err));
        }
    }
    return status;
}

static ls_status read_arena(ls_rank *r, const ls_ask *a, const ls_rank_member *m, float *to,
                            ls_error *err)
{
    const ls_rank_workspace *w = &r->list[a->workspace];
    ls_error late;
    ls_status status = LS_OK;
    if (is_here(r, m) && (ls_is_leader(r) || m->owner != LS_ALL_RANKS))
        status = slots(r)->read(w->local, m->local, a->at, a->count, to, err);
    ls_status passed = m->owner == LS_ALL_RANKS
                           ? read_states(r, a, m, to, &late)
                           : pass(r, m->owner, LS_LEADER, to, a->count * sizeof *to, &late);
    if (passed == LS_OK || status != LS_OK) return status;
    return ls_fail(err, passed, "%s", late.message);
}

/* Floats of a member's arena, to or from the leader. */
static ls_status move(ls_rank *r, const ls_ask *a, const ls_ask_with *with, ls_error *err)
{
    const ls_rank_member *m = member_of(r, a);
    const bool reads = a->kind == LS_ASK_READ;
    float *own = NULL, *at = reads ? with->to : (float *)with->from;
    ls_status status = LS_OK;
    if (!ls_is_leader(r)) {
        status = ls_alloc(&own, a->count, sizeof *own, "a copy of a member", err);
        at = own;
    }
    status = ls_rank_settle(r, a, status, err);
    if (status == LS_OK) status = (reads ? read_arena : write_arena)(r, a, m, at, err);
    free(own);
    return status;
}

static ls_status copy(ls_rank *r, const ls_ask *a, ls_error *err)
{
    const ls_rank_workspace *w = &r->list[a->workspace];
    const ls_rank_member *m = member_of(r, a);
    ls_range range[LS_SHARE_RANGES];
    if (!is_here(r, m)) return LS_OK;
    for (size_t i = 0, n = held(m, a->at, a->count, range); i < n; i++)
        LS_TRY(slots(r)->copy(w->local, m->local, range[i].at, a->to + (range[i].at - a->at),
                              range[i].count, err));
    return LS_OK;
}

/* ---- The device ------------------------------------------------------------------------------ */

static ls_status open_device(ls_rank *r, const ls_ask *a, const ls_ask_with *with, ls_error *err)
{
    const ls_transport *t = r->transport;
    return r->open(with->payload, (unsigned)a->count, a->flag != 0, t->node_rank, t->node_size,
                   &r->info, &r->local, err);
}

static void close_device(ls_rank *r)
{
    for (size_t i = 0; i < r->count; i++) leave(r, &r->list[i]);
    r->count = 0;
    if (r->local) slots(r)->close(r->local);
    r->local = NULL;
}

ls_status ls_rank_do(ls_rank *r, const ls_ask *a, const ls_ask_with *with, ls_error *err)
{
    switch (a->kind) {
    case LS_ASK_OPEN: return open_device(r, a, with, err);
    case LS_ASK_ROWS: return rows(r, a, with, err);
    case LS_ASK_KEEP: return ls_keep_rows(r, a, with->payload, with->apart, err);
    case LS_ASK_SERVE: return ls_serve_rows(r, a, with->apart, with->take, with->user, err);
    case LS_ASK_LEAVE:
        if (a->workspace < r->count) leave(r, &r->list[a->workspace]);
        return LS_OK;
    case LS_ASK_ADD: return add(r, a, with, err);
    case LS_ASK_REMOVE: /* a rank without memory may never have had its number */
        if (a->workspace < r->count && a->member < r->list[a->workspace].count)
            forget_member(r, &r->list[a->workspace], member_of(r, a));
        return LS_OK;
    case LS_ASK_RUN: return run(r, a, with, err);
    case LS_ASK_INFER: return infer(r, a, with, err);
    case LS_ASK_READ:
    case LS_ASK_WRITE: return move(r, a, with, err);
    case LS_ASK_COPY: return copy(r, a, err);
    case LS_ASK_CLOSE: close_device(r); return LS_OK;
    default: return LS_OK;
    }
}

ls_status ls_rank_start(ls_transport *t, ls_rank_open *open, ls_rank *out, ls_error *err)
{
    const size_t ranks = (size_t)t->size;
    *out = (ls_rank){.transport = t, .open = open};
    ls_status status = ls_alloc(&out->chunks, ranks, sizeof *out->chunks, "ranks", err);
    if (status == LS_OK)
        status = ls_alloc(&out->offset, ranks + 1, sizeof *out->offset, "ranks", err);
    if (status == LS_OK)
        status = ls_grow(&out->room, &out->room_floats, ranks, sizeof *out->room, "ranks", err);
    if (status != LS_OK) ls_rank_free(out);
    return status;
}

void ls_rank_free(ls_rank *r)
{
    close_device(r);
    free(r->list);
    free(r->room);
    free(r->buffer);
    free(r->chunks);
    free(r->offset);
    free(r->places);
    free(r->kept);
    *r = (ls_rank){0};
}
