/* SPDX-License-Identifier: MIT */
#include "host/ranks/leader.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/ranks/request.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Whether a member that can be shared is faster on the leader alone: both are measured on its first
 * steps, a few at a time. */
enum { TRIAL_STEPS = 4, TRIAL_SAMPLES = 5 };
typedef struct {
    const ls_plan *plan; /* of the member */
    bool alone;          /* which is measured now */
    bool decided;
    int samples;
    double least[2]; /* seconds of a step, shared and alone */
} trial;

typedef struct {
    ls_backend base;
    ls_rank *rank;
    double *load; /* estimated cost of a step of the members on each rank */
    trial trial;
    char found[260]; /* why the leader trains by itself, or "" */
    char note[1200]; /* of the slot */
} leader;

/* Its first member says what it is for: other ranks do not get the rows of an inference. */
typedef struct {
    ls_workspace base;
    ls_rows data;
    ls_workspace *own;           /* of the leader's device alone, or */
    bool shared;                 /* of all ranks, */
    size_t number;               /* with this number */
    size_t divided;              /* of so many rows each rank has only its own */
    const ls_row_source *source; /* the rows are made; NULL: they are in arrays */
} leader_workspace;

static leader *leader_of(const ls_workspace *w) { return (leader *)w->backend; }

static ls_workspace *own_of(const ls_workspace *w) { return ((const leader_workspace *)w)->own; }

static const ls_backend_slots *slots_of(const ls_workspace *w)
{
    return leader_of(w)->rank->local->slots;
}

static ls_status ask(const ls_workspace *w, ls_ask a, const ls_ask_with *with, ls_error *err)
{
    a.workspace = ((const leader_workspace *)w)->number;
    return ls_ask_all(leader_of(w)->rank, &a, with, err);
}

static const ls_rank_workspace *workspace_at(const ls_workspace *w)
{
    return &leader_of(w)->rank->list[((const leader_workspace *)w)->number];
}

static const ls_rank_member *member_at(const ls_workspace *w, size_t member)
{
    return &workspace_at(w)->member[member];
}

/* A member that could not be moved is on no rank any more. */
static ls_status find_member(const ls_workspace *w, size_t member, ls_error *err)
{
    if (member < workspace_at(w)->count && member_at(w, member)->plan) return LS_OK;
    return ls_fail(err, LS_ERR_DEVICE, "a network was lost when it was to go to another rank");
}

/* ---- Workspaces ------------------------------------------------------------------------------ */

/* Of a shared member whose batches are in the order of the rows, each rank gets only its rows. */
static ls_status divide_rows(const ls_workspace *w, const ls_plan *plan, ls_ask *a, ls_error *err)
{
    ls_share *share;
    if (plan->shuffle || ls_plan_steps_per_epoch(plan) > LS_SHARE_BATCHES) return LS_OK;
    LS_TRY(ls_share_build(plan, (size_t)leader_of(w)->rank->transport->size, 0, LS_SHARE_DEVICE,
                          &share, err));
    a->at = plan->rows, a->count = plan->batch, a->to = share->chunks, a->member = plan->capacity;
    ls_share_free(share);
    return LS_OK;
}

/* Ranks that hold only their rows cannot train on others. */
static ls_status refuse_batches(ls_error *err)
{
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "ranks that hold only their rows train on batches of more than %d rows, in the "
                   "order of the rows, at most %d an epoch; give --batch full",
                   LS_CHUNK, LS_SHARE_BATCHES);
}

/* plan: of the first member, if it is shared and its rows are the first ones; or NULL. */
static ls_status send_rows(ls_workspace *w, bool loaded, const ls_plan *plan, ls_error *err)
{
    leader_workspace *l = (leader_workspace *)w;
    const ls_rows *data = &l->data;
    ls_ask a = {.kind = LS_ASK_ROWS,
                .owner = LS_ALL_RANKS,
                .flag = loaded,
                .weighted = data->row_weight != NULL,
                .which = l->source != NULL,
                .rows = data->rows,
                .features = data->features,
                .outputs = data->outputs};
    if (plan) LS_TRY(divide_rows(w, plan, &a, err));
    if (plan && l->source && !a.at) return refuse_batches(err);
    l->divided = a.at;
    return ask(w, a, &(ls_ask_with){.rows = l->source ? &l->source->rows : data}, err);
}

static ls_status workspace_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                                ls_error *err)
{
    leader_workspace *w;
    LS_TRY(ls_alloc(&w, 1, sizeof *w, "a workspace", err));
    w->base.backend = backend;
    w->data = *data;
    w->source = data->x ? NULL : (const ls_row_source *)(const void *)data;
    *out = &w->base;
    return LS_OK;
}

static ls_status workspace_load(ls_workspace *base, const ls_rows *data, ls_error *err)
{
    leader_workspace *w = (leader_workspace *)base;
    w->data = *data;
    if (w->own) return slots_of(base)->workspace_load(w->own, data, err);
    return w->shared ? send_rows(base, true, NULL, err) : LS_OK;
}

static void workspace_close(ls_workspace *base)
{
    leader_workspace *w = (leader_workspace *)base;
    if (w->own) slots_of(base)->workspace_close(w->own);
    if (w->shared)
        (void)ask(base, (ls_ask){.kind = LS_ASK_LEAVE, .owner = LS_ALL_RANKS}, NULL, NULL);
    free(w);
}

/* ---- Members --------------------------------------------------------------------------------- */

/* Rough cost of a step: only the proportions between members matter. */
static double cost_of(const ls_plan *p)
{
    return (double)p->batch * (double)p->weights + 1000.0 * (double)p->step.count;
}

/* The rank with the least to do. */
static int idlest(const leader *l)
{
    int best = 0;
    for (int k = 1; k < l->rank->transport->size; k++)
        if (l->load[k] < l->load[best]) best = k;
    return best;
}

/* A member that is trained by itself is shared, if its batches have chunks for several ranks. */
static int owner_for(const leader *l, const ls_plan *plan)
{
    if (plan->alone && plan->batch > LS_CHUNK) return LS_ALL_RANKS;
    return plan->alone || !plan->step.count ? LS_LEADER : idlest(l);
}

/* Before its first member is added. */
static ls_status begin(ls_workspace *base, const ls_plan *plan, size_t origin, ls_error *err)
{
    leader_workspace *w = (leader_workspace *)base;
    const ls_rank *r = leader_of(base)->rank;
    if (w->own || w->shared) return LS_OK;
    if (!plan->step.count) return slots_of(base)->workspace_open(r->local, &w->data, &w->own, err);
    while (w->number < r->count && r->list[w->number].local) w->number++;
    w->shared = true; /* if this fails, ranks that have opened it close it */
    const bool shared = owner_for(leader_of(base), plan) == LS_ALL_RANKS;
    if (w->source && !shared && plan->rows > LS_CHUNK) return refuse_batches(err);
    return send_rows(base, false, shared && !origin ? plan : NULL, err);
}

static ls_status put_plan(const ls_plan *plan, void **out, size_t *bytes, ls_error *err)
{
    const size_t step = plan->step.count * sizeof(ls_op), infer = plan->infer.count * sizeof(ls_op);
    char *to;
    *bytes = sizeof *plan + step + infer;
    LS_TRY(ls_alloc(&to, *bytes, 1, "a plan", err));
    memcpy(to, plan, sizeof *plan);
    if (step) memcpy(to + sizeof *plan, plan->step.op, step);
    if (infer) memcpy(to + sizeof *plan + step, plan->infer.op, infer);
    *out = to;
    return LS_OK;
}

/* Adds a member of that number. Every rank knows every member's owner, so that a run is one
 * request. */
static ls_status add(ls_workspace *w, const ls_plan *plan, size_t origin, size_t member, int owner,
                     ls_error *err)
{
    leader *l = leader_of(w);
    ls_ask a = {
        .kind = LS_ASK_ADD, .member = member, .at = origin, .owner = LS_ALL_RANKS, .which = owner};
    void *payload;
    LS_TRY(put_plan(plan, &payload, &a.bytes, err));
    ls_status status = ask(w, a, &(ls_ask_with){.payload = payload, .plan = plan}, err);
    free(payload);
    if (status == LS_OK) {
        if (owner != LS_ALL_RANKS) l->load[owner] += cost_of(plan);
        return LS_OK;
    }
    /* ranks that have added it remove it */
    (void)ask(w, (ls_ask){.kind = LS_ASK_REMOVE, .member = member, .owner = LS_ALL_RANKS}, NULL,
              NULL);
    return status;
}

static ls_status member_add(ls_workspace *w, const ls_plan *plan, size_t origin, size_t *member,
                            ls_error *err)
{
    size_t number = 0;
    LS_TRY(begin(w, plan, origin, err));
    if (own_of(w)) return slots_of(w)->member_add(own_of(w), plan, origin, member, err);
    const int owner = owner_for(leader_of(w), plan);
    /* what was found for another member, whose plan may have lain at the same address */
    if (plan->alone) leader_of(w)->trial = (trial){0}, *leader_of(w)->found = '\0';
    if (plan->alone && owner == LS_LEADER)
        snprintf(
            leader_of(w)->found, sizeof leader_of(w)->found,
            "rank 0 trains by itself: ranks share chunks of %d rows, and a batch of %zu rows is "
            "one; --batch %d and more, or a search, are work for more ranks",
            LS_CHUNK, plan->batch, 2 * LS_CHUNK);
    const ls_rank_workspace *own = workspace_at(w);
    while (number < own->count && own->member[number].plan) number++;
    LS_TRY(add(w, plan, origin, number, owner, err));
    *member = number;
    return LS_OK;
}

static void member_remove(ls_workspace *w, size_t member)
{
    leader *l = leader_of(w);
    if (own_of(w)) {
        slots_of(w)->member_remove(own_of(w), member);
        return;
    }
    if (find_member(w, member, NULL) != LS_OK) return;
    const ls_rank_member *m = member_at(w, member);
    if (m->owner != LS_ALL_RANKS) l->load[m->owner] -= cost_of(m->plan);
    (void)ask(w, (ls_ask){.kind = LS_ASK_REMOVE, .member = member, .owner = LS_ALL_RANKS}, NULL,
              NULL);
}

/* ---- Inference and arenas ----------------------------------------------------------------------
 */

static ls_status infer(ls_workspace *w, size_t member, size_t first, size_t rows, float *outputs,
                       float *losses, ls_error *err)
{
    if (own_of(w)) return slots_of(w)->infer(own_of(w), member, first, rows, outputs, losses, err);
    LS_TRY(find_member(w, member, err));
    const ls_rank_member *m = member_at(w, member);
    const leader_workspace *l = (const leader_workspace *)w;
    if (m->owner == LS_ALL_RANKS && l->source &&
        (first != l->divided || rows != l->data.rows - l->divided))
        return ls_fail(err, LS_ERR_UNSUPPORTED, "ranks infer just the validation rows");
    /* one block, or rows that the leader alone has all of */
    if (m->owner == LS_ALL_RANKS && (rows <= m->plan->capacity || first < l->divided))
        return slots_of(w)->infer(workspace_at(w)->local, m->local, first, rows, outputs, losses,
                                  err);
    const ls_ask a = {.kind = LS_ASK_INFER,
                      .owner = m->owner,
                      .member = member,
                      .at = first,
                      .count = rows,
                      .which = (outputs ? LS_ASK_OUTPUTS : 0) | (losses ? LS_ASK_LOSSES : 0)};
    return ask(w, a, &(ls_ask_with){.to = outputs, .losses = losses}, err);
}

static ls_status read_arena(ls_workspace *w, size_t member, size_t at, size_t count, float *to,
                            ls_error *err)
{
    if (own_of(w)) return slots_of(w)->read(own_of(w), member, at, count, to, err);
    LS_TRY(find_member(w, member, err));
    const ls_rank_member *m = member_at(w, member);
    ls_range range[LS_SHARE_RANGES];
    bool elsewhere = false; /* states of the optimizer */
    for (size_t k = 1; m->share && k < m->share->ranks; k++)
        elsewhere |= ls_share_own(m->share, k, at, count, range) > 0;
    if (m->owner == LS_ALL_RANKS && !elsewhere)
        return slots_of(w)->read(workspace_at(w)->local, m->local, at, count, to, err);
    const ls_ask a = {
        .kind = LS_ASK_READ, .owner = m->owner, .member = member, .at = at, .count = count};
    return ask(w, a, &(ls_ask_with){.to = to}, err);
}

static ls_status write_arena(ls_workspace *w, size_t member, size_t at, size_t count,
                             const float *from, ls_error *err)
{
    if (own_of(w)) return slots_of(w)->write(own_of(w), member, at, count, from, err);
    LS_TRY(find_member(w, member, err));
    const ls_ask a = {.kind = LS_ASK_WRITE,
                      .owner = member_at(w, member)->owner,
                      .member = member,
                      .at = at,
                      .count = count};
    return ask(w, a, &(ls_ask_with){.from = from}, err);
}

static ls_status copy(ls_workspace *w, size_t member, size_t from, size_t to, size_t count,
                      ls_error *err)
{
    if (own_of(w)) return slots_of(w)->copy(own_of(w), member, from, to, count, err);
    LS_TRY(find_member(w, member, err));
    const ls_ask a = {.kind = LS_ASK_COPY,
                      .owner = member_at(w, member)->owner,
                      .member = member,
                      .at = from,
                      .to = to,
                      .count = count};
    return ask(w, a, NULL, err);
}

/* ---- Work is handed to ranks that have less ----------------------------------------------------
 */

/* Moves a member with its state and the copies of it. */
static ls_status move_member(ls_workspace *w, size_t member, int to, ls_error *err)
{
    const ls_rank_member m = *member_at(w, member);
    const size_t floats = m.plan->arena - m.plan->work;
    float *state;
    LS_TRY(ls_alloc(&state, floats, sizeof *state, "a copy of a member", err));
    ls_status status = read_arena(w, member, 0, floats, state, err);
    if (status == LS_OK) {
        member_remove(w, member);
        status = add(w, m.plan, m.origin, member, to, err);
    }
    if (status == LS_OK) status = write_arena(w, member, 0, floats, state, err);
    free(state);
    return status;
}

static double cost_of_run(const ls_workspace *w, const ls_run *run)
{
    return (double)run->count * cost_of(member_at(w, run->member)->plan);
}

/* The run on rank `from` whose member, moved to rank `to`, makes the longer of the two shortest; -1
 * if it becomes no shorter by a quarter. */
static long best_to_move(const ls_workspace *w, const ls_run *runs, size_t count,
                         const double *load, int from, int to)
{
    double least = 0.75 * load[from];
    long best = -1;
    for (size_t i = 0; i < count; i++) {
        if (member_at(w, runs[i].member)->owner != from) continue;
        const double c = cost_of_run(w, &runs[i]), left = load[from] - c, then = load[to] + c,
                     longer = left > then ? left : then;
        if (longer < least) least = longer, best = (long)i;
    }
    return best;
}

/* Before a call: as long as one rank has much more to do in it than another, it gives a member
 * away. Ranks whose members have ended get others in this way. */
static ls_status balance(ls_workspace *w, const ls_run *runs, size_t count, ls_error *err)
{
    const int ranks = leader_of(w)->rank->transport->size;
    double *load;
    LS_TRY(ls_alloc(&load, (size_t)ranks, sizeof *load, "ranks", err));
    for (size_t i = 0; i < count; i++) {
        const int owner = member_at(w, runs[i].member)->owner;
        if (owner != LS_ALL_RANKS) load[owner] += cost_of_run(w, &runs[i]);
    }
    ls_status status = LS_OK;
    for (size_t moves = 0; moves < count && status == LS_OK; moves++) {
        int most = 0, least = 0;
        for (int k = 1; k < ranks; k++) {
            if (load[k] > load[most]) most = k;
            if (load[k] < load[least]) least = k;
        }
        const long i = best_to_move(w, runs, count, load, most, least);
        if (i < 0) break;
        const double cost = cost_of_run(w, &runs[i]);
        status = move_member(w, runs[i].member, least, err);
        load[most] -= cost, load[least] += cost;
    }
    free(load);
    return status;
}

/* ---- Work ------------------------------------------------------------------------------------ */

/* On the ranks that have the members. */
static ls_status run_all(ls_workspace *w, const ls_run *runs, size_t count, ls_error *err)
{
    ls_ask a = {.kind = LS_ASK_RUN, .owner = LS_ALL_RANKS, .count = count};
    uint64_t steps = 0;
    bool here = true; /* all that is to be done is done by the leader */
    for (size_t i = 0; i < count; i++) {
        steps += runs[i].count;
        here &= member_at(w, runs[i].member)->owner == LS_LEADER;
    }
    if (here) a.owner = LS_LEADER;
    a.bytes = count * sizeof(ls_asked_run) + (size_t)steps * sizeof(ls_rates);
    char *payload;
    LS_TRY(ls_alloc(&payload, a.bytes ? a.bytes : 1, 1, "a call", err));
    ls_asked_run *asked = (ls_asked_run *)(void *)payload;
    ls_rates *rates = (ls_rates *)(asked + count);
    for (size_t i = 0; i < count; i++) {
        asked[i] = (ls_asked_run){runs[i].member, runs[i].first, runs[i].count, runs[i].keep};
        if (runs[i].count) memcpy(rates, runs[i].rates, (size_t)runs[i].count * sizeof *rates);
        rates += runs[i].count;
    }
    ls_status status = ask(w, a, &(ls_ask_with){.payload = payload, .runs = runs}, err);
    free(payload);
    return status;
}

static ls_status run_part(ls_workspace *w, const ls_part *part, ls_error *err)
{
    (void)w, (void)part;
    return ls_fail(err, LS_ERR_UNSUPPORTED, "ranks share whole steps only");
}

static float *memory(ls_workspace *w, size_t member)
{
    (void)w, (void)member;
    return NULL;
}

/* ---- Whether sharing steps pays ----------------------------------------------------------------
 */

/* LOCKSTEP_RANKS=shared in the environment, for tests: steps are shared whether that pays or not.
 */
static bool is_tried(const ls_workspace *w, const ls_run *run)
{
    const char *forced = getenv("LOCKSTEP_RANKS");
    leader *l = leader_of(w);
    const ls_rank_member *m = member_at(w, run->member);
    if (m->plan != l->trial.plan) {
        if (m->owner != LS_ALL_RANKS) return false;
        l->trial = (trial){.plan = m->plan,
                           .decided = ((const leader_workspace *)w)->source ||
                                      (forced && !strcmp(forced, "shared"))};
    }
    return !l->trial.decided;
}

/* After a sample of steps: goes on with the other kind, or decides for one. */
static ls_status note_sample(ls_workspace *w, size_t member, double seconds, ls_error *err)
{
    leader *l = leader_of(w);
    trial *t = &l->trial;
    double *least = &t->least[t->alone];
    if (!t->samples++ || seconds < *least) *least = seconds; /* the first one may build programs */
    const bool hopeless = t->alone && t->samples > 1 && *least > 1.5 * t->least[0];
    if (t->samples < TRIAL_SAMPLES && !hopeless) return LS_OK;
    t->samples = 0;
    if (!t->alone) {
        t->alone = true;
        return move_member(w, member, LS_LEADER, err);
    }
    t->decided = true;
    if (t->least[0] < t->least[1]) return move_member(w, member, LS_ALL_RANKS, err);
    snprintf(l->found, sizeof l->found,
             "%d ranks take %.3g ms for a step and one takes %.3g ms, so rank 0 trains by itself; "
             "larger batches or wider networks, or a search, are work for more ranks",
             l->rank->transport->size, 1e3 * t->least[0], 1e3 * t->least[1]);
    return LS_OK;
}

/* The rows of the steps, in batches: the last one of an epoch may have few. */
static double batches_of(const ls_plan *plan, const ls_run *run)
{
    double rows = 0;
    for (uint64_t i = 0; i < run->count; i++)
        rows += (double)ls_plan_batch(plan, run->first + i).rows;
    return rows / (double)plan->batch;
}

static ls_status run(ls_workspace *w, const ls_run *runs, size_t count, ls_error *err)
{
    if (own_of(w)) return slots_of(w)->run(own_of(w), runs, count, err);
    for (size_t i = 0; i < count; i++) LS_TRY(find_member(w, runs[i].member, err));
    if (count > 1) LS_TRY(balance(w, runs, count, err));
    if (count != 1) return run_all(w, runs, count, err);
    ls_run left = *runs;
    while (left.count && is_tried(w, &left)) {
        ls_run some = left;
        if (some.count > TRIAL_STEPS) some.count = TRIAL_STEPS;
        some.keep = some.keep && some.count == left.count;
        const double started = ls_clock();
        LS_TRY(run_all(w, &some, 1, err));
        const double seconds = (ls_clock() - started) / batches_of(leader_of(w)->trial.plan, &some);
        left.first += some.count, left.count -= some.count;
        left.rates += some.count, left.losses += some.count;
        LS_TRY(note_sample(w, left.member, seconds, err));
    }
    return left.count ? run_all(w, &left, 1, err) : LS_OK;
}

/* ---- The device ------------------------------------------------------------------------------ */

static const char *note(ls_backend *base)
{
    leader *l = (leader *)base;
    const ls_rank *r = l->rank;
    const char *local = r->local->slots->note(r->local);
    snprintf(l->note, sizeof l->note, "%.900s%s%s", local, *local && *l->found ? "; " : "",
             l->found);
    if (r->steps && !*l->found)
        snprintf(l->note, sizeof l->note,
                 "%.900s%s%d ranks shared %llu steps: %.0f%% of the time went into exchanges, %.3g "
                 "KB a step and rank",
                 local, *local ? "; " : "", r->transport->size, (unsigned long long)r->steps,
                 100.0 * r->exchanging / (r->exchanging + r->computing),
                 (double)r->bytes / 1000.0 / (double)r->steps);
    return l->note;
}

static ls_builds builds(const ls_backend *base)
{
    const ls_rank *r = ((const leader *)base)->rank;
    return r->local->slots->builds(r->local);
}

static void close_leader(ls_backend *base)
{
    leader *l = (leader *)base;
    (void)ls_ask_all(l->rank, &(ls_ask){.kind = LS_ASK_CLOSE, .owner = LS_ALL_RANKS}, NULL, NULL);
    free(l->load);
    free(l);
}

static const ls_backend_slots leader_slots = {
    .deals = true,
    .workspace_open = workspace_open,
    .workspace_load = workspace_load,
    .workspace_close = workspace_close,
    .member_add = member_add,
    .member_remove = member_remove,
    .run = run,
    .run_part = run_part,
    .memory = memory,
    .infer = infer,
    .read = read_arena,
    .write = write_arena,
    .copy = copy,
    .note = note,
    .builds = builds,
    .close = close_leader,
};

bool ls_is_leader_backend(const ls_backend *backend)
{
    return backend && backend->slots == &leader_slots;
}

ls_status ls_leader_open(ls_rank *r, const char *spec, unsigned threads, bool allow_approximate,
                         ls_device_info *info, ls_backend **out, ls_error *err)
{
    leader *l;
    ls_ask a = {.kind = LS_ASK_OPEN,
                .owner = LS_ALL_RANKS,
                .count = threads,
                .flag = allow_approximate,
                .bytes = strlen(spec) + 1};
    if (r->local)
        return ls_fail(err, LS_ERR_ARGUMENT, "the ranks have a device already: close it first");
    LS_TRY(ls_alloc(&l, 1, sizeof *l, "ranks", err));
    *l = (leader){.base.slots = &leader_slots, .rank = r};
    ls_status status = ls_alloc(&l->load, (size_t)r->transport->size, sizeof *l->load, "ranks",
                                err);
    if (status == LS_OK) status = ls_ask_all(r, &a, &(ls_ask_with){.payload = spec}, err);
    if (status != LS_OK) {
        if (l->load) close_leader(&l->base);
        else free(l);
        return status;
    }
    *info = r->info;
    snprintf(info->name, sizeof info->name, "%d ranks, each %.100s", r->transport->size,
             r->info.name);
    *out = &l->base;
    return LS_OK;
}
