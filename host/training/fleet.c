/* SPDX-License-Identifier: MIT */
/* Many members side by side. In a round each member that is on the device gets a slice of about the
 * same time; members that end leave, and those that wait in host memory take their place in the
 * next round. How members are sliced, and when they are on the device, changes no bit of them. */
#include "host/training/fleet.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/network/device_kind.h"
#include "host/training/fleet_device.h"
#include <stdlib.h>
#include <string.h>

enum {
    CALL_STEPS = 1 << 20
}; /* steps of a call to the backend at most, but for one slice alone: room for losses and rates */
enum {
    TABLE_BYTES = 64 << 20
}; /* of a table of several blocks at most: any device takes a buffer of that */
static const double solo_seconds =
    0.05; /* a slice of ls_train: short enough for progress and Ctrl-C */
static const double call_seconds =
    0.075; /* a call to the backend, which is a round where members are few */
static const double brief_seconds = 0.025; /* either, while devices are compared */
static const double report_seconds = 0.05; /* between two calls of the callback at least */

/* ---- Opening and closing --------------------------------------------------------------------- */

ls_status ls_fleet_open(ls_device *device, uint64_t memory, ls_fleet **out, ls_error *err)
{
    ls_fleet *f;
    if (!out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_fleet_open: an argument is NULL");
    LS_TRY(ls_alloc(&f, 1, sizeof *f, "a fleet", err));
    ls_status status = device ? LS_OK : ls_device_open("cpu", 1, 0, &f->own, err);
    if (status != LS_OK) {
        free(f);
        return status;
    }
    if (!device) device = f->own;
    f->backend = device->backend;
    f->choice = device->choice;
    if (f->choice) f->at = f->choice->best;
    f->memory = memory;
    f->limit = ls_fleet_limit(memory, &device->info);
    f->gpu = ls_device_kind_of(&device->info) == LS_KIND_GPU;
    f->pace = 100; /* pessimistic, until the first round is measured */
    *out = f;
    return LS_OK;
}

void ls_fleet_close(ls_fleet *f)
{
    if (!f) return;
    for (size_t i = 0; i < f->count; i++) ls_trainer_free(f->member[i]);
    for (size_t i = 0; i < f->tables; i++) ls_table_free(f->table[i]);
    for (size_t i = 0; i < f->blocks; i++) ls_block_free(f->block[i]);
    free(f->member);
    free(f->table);
    free(f->block);
    free(f->slices);
    free(f->runs);
    free(f->rates);
    free(f->losses);
    ls_device_close(f->own);
    free(f);
}

/* ---- Members --------------------------------------------------------------------------------- */

/* Blocks that are in no table yet are put into new ones, with others of their shape. */
static ls_status build_tables(ls_fleet *f, ls_error *err)
{
    ls_block **some;
    uint64_t most = f->limit / 4 < TABLE_BYTES ? f->limit / 4 : TABLE_BYTES;
    LS_TRY(ls_alloc(&some, f->blocks, sizeof *some, "the training rows", err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < f->blocks && status == LS_OK; i++) {
        uint64_t bytes = 0;
        size_t n = 0;
        if (f->block[i]->table) continue;
        for (size_t k = i; k < f->blocks; k++) {
            ls_block *b = f->block[k];
            bool alike = b->features == f->block[i]->features && b->outputs == f->block[i]->outputs;
            if (b->table || !alike || (n && bytes + ls_block_bytes(b) > most)) continue;
            bytes += ls_block_bytes(b);
            some[n++] = b;
        }
        status = ls_grow(&f->table, &f->table_capacity, f->tables + 1, sizeof *f->table,
                         "the training rows", err);
        if (status == LS_OK) status = ls_table_build(some, n, &f->table[f->tables], err);
        if (status == LS_OK) f->tables++;
    }
    free(some);
    return status;
}

static void remove_table(ls_fleet *f, ls_table *table)
{
    size_t i = 0;
    while (f->table[i] != table) i++;
    f->table[i] = f->table[--f->tables];
    ls_table_free(table);
}

/* Gives up a member's use of its block. */
static void release_block(ls_fleet *f, ls_block *block)
{
    size_t i = 0;
    if (block->members && --block->members) return;
    while (f->block[i] != block) i++;
    f->block[i] = f->block[--f->blocks];
    if (block->table && !--block->table->blocks) remove_table(f, block->table);
    ls_block_free(block);
}

static ls_status find_block(ls_fleet *f, const ls_model *m, const ls_data *data, ls_block **out,
                            ls_error *err)
{
    const ls_settings *s = &m->options->settings;
    for (size_t i = f->blocks; i-- > 0;)
        if (ls_block_serves(f->block[i], s, &m->network, data)) {
            *out = f->block[i];
            return LS_OK;
        }
    LS_TRY(ls_grow(&f->block, &f->block_capacity, f->blocks + 1, sizeof *f->block,
                   "the training rows", err));
    LS_TRY(ls_block_prepare(s, &m->network, data, &f->block[f->blocks], err));
    *out = f->block[f->blocks++];
    return LS_OK;
}

static ls_status open_trainer(ls_fleet *f, const ls_options *options, const ls_data *data,
                              ls_trainer **out, ls_error *err)
{
    ls_model *m;
    ls_block *block;
    uint64_t epochs = options->settings.epochs;
    LS_TRY(ls_rows_check(&options->settings, data, err));
    size_t history = epochs < LS_HISTORY_POINTS ? (size_t)epochs + 1 : LS_HISTORY_POINTS + 1;
    LS_TRY(ls_model_create(options, data->features, data->classes, history, &m, err));
    ls_status status = find_block(f, m, data, &block, err);
    if (status != LS_OK) {
        ls_model_free(m);
        return status;
    }
    status = ls_trainer_open(m, data, block, out, err);
    uint64_t limit = f->choice ? ls_fleet_limit(f->memory, &f->choice->list[0].info) : f->limit;
    if (status == LS_OK &&
        (ls_arena_bytes(*out) > limit || ls_block_bytes(block) > limit - ls_arena_bytes(*out))) {
        status =
            ls_fail(err, LS_ERR_MEMORY,
                    "the network and its rows need %.1f MB of memory, the fleet may take %.1f MB",
                    ((double)ls_arena_bytes(*out) + (double)ls_block_bytes(block)) * 1e-6,
                    (double)limit * 1e-6);
        ls_trainer_free(*out);
    }
    if (status != LS_OK && !block->members) release_block(f, block);
    return status;
}

ls_status ls_fleet_add(ls_fleet *f, const ls_options *options, const ls_data *data, size_t *index,
                       ls_error *err)
{
    ls_trainer *tr;
    if (!f || !options || !data)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_fleet_add: an argument is NULL");
    LS_TRY(ls_grow(&f->member, &f->capacity, f->count + 1, sizeof *f->member, "a fleet", err));
    LS_TRY(open_trainer(f, options, data, &tr, err));
    tr->block->members++;
    tr->goal = 0;
    f->member[f->count] = tr;
    if (index) *index = f->count;
    f->count++;
    return LS_OK;
}

ls_status ls_fleet_add_reporting(ls_fleet *f, const ls_options *options, const ls_data *data,
                                 ls_epoch_callback callback, void *user, size_t *index,
                                 ls_error *err)
{
    LS_TRY(ls_fleet_add(f, options, data, index, err));
    f->whole = true;
    f->member[*index]->callback = callback;
    f->member[*index]->user = user;
    return LS_OK;
}

/* A member, or NULL with the reason in err. */
static ls_trainer *find_member(const ls_fleet *f, size_t index, ls_error *err)
{
    if (!f) ls_fail(err, LS_ERR_ARGUMENT, "the fleet is NULL");
    else if (index >= f->count)
        ls_fail(err, LS_ERR_ARGUMENT, "the fleet has no member %zu; it has had %zu", index,
                f->count);
    else if (!f->member[index])
        ls_fail(err, LS_ERR_ARGUMENT, "member %zu was removed from the fleet", index);
    else return f->member[index];
    return NULL;
}

void ls_fleet_remove(ls_fleet *f, size_t index)
{
    ls_trainer *tr = find_member(f, index, NULL);
    if (!tr) return;
    ls_fleet_leave(f, tr);
    f->member[index] = NULL;
    release_block(f, tr->block);
    ls_trainer_free(tr);
}

size_t ls_fleet_count(const ls_fleet *f) { return f ? f->count : 0; }

ls_status ls_fleet_member(const ls_fleet *f, size_t index, ls_member_info *out, ls_error *err)
{
    ls_trainer *tr = find_member(f, index, err);
    if (!tr) return LS_ERR_ARGUMENT;
    const ls_summary *s = &tr->model->summary;
    *out = (ls_member_info){.state = tr->state,
                            .epochs = s->epochs,
                            .steps = tr->step,
                            .best_epoch = s->best_epoch,
                            .parameters = s->parameters,
                            .loss = tr->loss,
                            .validation_loss = tr->validation,
                            .seconds = tr->seconds,
                            .stopped = tr->stopped,
                            .message = tr->message};
    return LS_OK;
}

static ls_status check_working(const ls_fleet *f, ls_error *err)
{
    return f->failure.status == LS_OK
               ? LS_OK
               : ls_fail(err, f->failure.status, "the fleet cannot go on after this: %.900s",
                         f->failure.message);
}

ls_status ls_fleet_model(ls_fleet *f, size_t index, ls_model **out, ls_error *err)
{
    ls_trainer *tr = find_member(f, index, err);
    if (!tr) return LS_ERR_ARGUMENT;
    if (tr->workspace) LS_TRY(check_working(f, err));
    return ls_trainer_model(tr, out, err);
}

ls_status ls_fleet_take_model(ls_fleet *f, size_t index, ls_model **out, ls_error *err)
{
    ls_trainer *tr = find_member(f, index, err);
    if (!tr) return LS_ERR_ARGUMENT;
    if (tr->state == LS_MEMBER_DIVERGED) return ls_fail(err, LS_ERR_DIVERGED, "%s", tr->message);
    *out = tr->model;
    tr->model = NULL;
    return LS_OK;
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

/* Estimated seconds of a step: its arithmetic, and something for each operation. Only the
 * proportions between members matter, the rest is measured. */
static double cost_of_step(const ls_trainer *tr)
{
    const ls_plan *p = tr->plan;
    return 6e-10 * (double)p->batch * (double)p->weights + 5e-7 * (double)p->step.count;
}

/* Members of one table side by side, costly ones first, so that threads end together. */
static int compare_slices(const void *a, const void *b)
{
    const ls_slice *x = a, *y = b;
    const ls_table *s = x->trainer->block->table, *t = y->trainer->block->table;
    if (s != t) return (uintptr_t)s < (uintptr_t)t ? -1 : 1;
    return x->cost > y->cost ? -1 : x->cost < y->cost;
}

/* A member's share of a round is not below this where members are many. Processors have to fetch a
 * member's memory for each slice (which is less than a tenth of the time even of a brief one); GPUs
 * want as many members in a call as there are. */
static double least_seconds(const ls_fleet *f, bool brief)
{
    return f->gpu ? 2e-5 : brief ? 1e-4 : 5e-4;
}

/* How many of the slices measure a processor as well as all of them: some for each thread, for as
 * long as a sample takes. A GPU wants them all. */
static size_t some_of(const ls_fleet *f, size_t count)
{
    enum { ENOUGH = 32 };
    const double sample = 0.012;
    double seconds = 0;
    size_t n = 0;
    if (f->gpu) return count;
    for (; n < count && (n < ENOUGH || seconds < sample); n++)
        seconds += f->slices[n].cost * f->pace;
    return n;
}

/* The slices of a round. */
static ls_status plan_round(ls_fleet *f, size_t *count, ls_error *err)
{
    size_t n = 0;
    LS_TRY(ls_grow(&f->slices, &f->slice_room, f->residents, sizeof *f->slices, "a round", err));
    for (size_t i = 0; i < f->count; i++)
        if (f->member[i] && f->member[i]->workspace && ls_trainer_active(f->member[i]))
            f->slices[n++].trainer = f->member[i];
    bool brief = f->choice && ls_choice_is_measuring(f->choice);
    double share = n ? (brief ? brief_seconds : call_seconds) / (double)n : 0;
    if (share < least_seconds(f, brief)) share = least_seconds(f, brief);
    if (f->whole) share = brief ? brief_seconds : solo_seconds;
    ls_slice_kind kind = brief ? LS_SLICE_BRIEF : f->whole ? LS_SLICE_WHOLE : LS_SLICE_USUAL;
    for (size_t i = 0; i < n; i++) {
        ls_slice *s = &f->slices[i];
        double cost = cost_of_step(s->trainer);
        s->count = ls_trainer_slice(s->trainer, share, cost * f->pace, kind);
        s->cost = cost * (double)s->count;
    }
    if (brief) n = some_of(f, n);
    if (n > 1) qsort(f->slices, n, sizeof *f->slices, compare_slices);
    *count = n;
    return LS_OK;
}

/* How many of the next slices make a call: those of one table, for as long as a call should take.
 */
static size_t slices_of_call(const ls_fleet *f, const ls_slice *s, size_t count, size_t *steps)
{
    double seconds = 0;
    size_t n = 0;
    *steps = 0;
    for (; n < count && s[n].trainer->workspace == s->trainer->workspace; n++) {
        seconds += s[n].cost * f->pace;
        if (n && (seconds > 1.1 * call_seconds || *steps + s[n].count > CALL_STEPS)) break;
        *steps += (size_t)s[n].count;
    }
    return n;
}

/* Lets the slices begin and runs them. */
static ls_status run_slices(ls_fleet *f, const ls_slice *s, size_t count, size_t steps,
                            ls_error *err)
{
    size_t at = 0;
    LS_TRY(ls_grow(&f->runs, &f->run_room, count, sizeof *f->runs, "a round", err));
    LS_TRY(ls_grow(&f->rates, &f->rate_room, steps, sizeof *f->rates, "a round", err));
    LS_TRY(ls_grow(&f->losses, &f->loss_room, steps, sizeof *f->losses, "a round", err));
    for (size_t i = 0; i < count; at += (size_t)s[i++].count)
        LS_TRY(ls_trainer_begin(s[i].trainer, s[i].count, f->rates + at, f->losses + at,
                                &f->runs[i], err));
    return f->backend->slots->run(s->trainer->workspace, f->runs, count, err);
}

/* What a round has come to. */
typedef struct {
    uint64_t steps;
    double cost;
    bool changed; /* members have come to an end or to their goals */
} progress;

/* One call to the backend, and a look at its losses. */
static ls_status run_call(ls_fleet *f, const ls_slice *s, size_t count, size_t steps,
                          progress *done, ls_error *err)
{
    double cost = 0, started = ls_clock();
    LS_TRY(run_slices(f, s, count, steps, err));
    double elapsed = ls_clock() - started;
    for (size_t i = 0; i < count; i++) cost += s[i].cost;
    if (elapsed > 0) f->pace = elapsed / cost;
    for (size_t i = 0; i < count; i++) {
        ls_trainer *tr = s[i].trainer;
        uint64_t before = tr->step;
        LS_TRY(ls_trainer_end(tr, elapsed * s[i].cost / cost, err));
        done->steps += tr->step - before;
        done->cost += (double)(tr->step - before) * cost_of_step(tr);
        if (!ls_trainer_active(tr)) done->changed = true;
        if (tr->state != LS_MEMBER_TRAINING) ls_fleet_leave(f, tr);
        else if (f->unproven) LS_TRY(ls_trainer_renew(tr, err));
    }
    return LS_OK;
}

/* ---- Running --------------------------------------------------------------------------------- */

/* A call of ls_fleet_run. */
typedef struct {
    ls_fleet_callback callback;
    void *user;
    double started, reported;
    uint64_t steps;
    bool stopped;
} call;

static void report(const ls_fleet *f, call *c)
{
    ls_fleet_progress p = {.steps = c->steps};
    if (!c->callback) return;
    for (size_t i = 0; i < f->count; i++) {
        const ls_trainer *tr = f->member[i];
        if (!tr) continue;
        p.members++;
        p.training += tr->state == LS_MEMBER_TRAINING;
        p.done += tr->state == LS_MEMBER_DONE;
        p.diverged += tr->state == LS_MEMBER_DIVERGED;
        p.waiting += !tr->workspace && ls_trainer_active(tr);
    }
    c->reported = ls_clock();
    p.seconds = c->reported - c->started;
    c->stopped = c->callback(&p, c->user) != 0;
}

/* All calls of a round. */
static ls_status run_round(ls_fleet *f, size_t count, call *c, progress *done, ls_error *err)
{
    for (size_t i = 0, n, steps; i < count && !c->stopped; i += n) {
        uint64_t before = done->steps;
        n = slices_of_call(f, f->slices + i, count - i, &steps);
        LS_TRY(run_call(f, f->slices + i, n, steps, done, err));
        c->steps += done->steps - before;
        if (ls_clock() - c->reported >= report_seconds) report(f, c);
    }
    return LS_OK;
}

/* What there is to do. */
static ls_workload workload(const ls_fleet *f)
{
    ls_workload w = {0};
    double most = 0;
    for (size_t i = 0; i < f->count; i++) {
        const ls_trainer *tr = f->member[i];
        if (!tr || !ls_trainer_active(tr)) continue;
        double cost = cost_of_step(tr);
        w.left += cost * (double)(tr->goal * tr->schedule.steps_per_epoch - tr->step);
        w.members += tr->workspace != NULL;
        if (tr->workspace) w.step += cost;
        if (cost <= most) continue;
        most = cost;
        w.example = (ls_example){
            .settings = tr->settings,
            .inputs = tr->model->network.inputs,
            .classes = tr->model->network.classes,
            .rows = tr->plan->rows < 2 * tr->plan->batch ? tr->plan->rows : 2 * tr->plan->batch};
    }
    return w;
}

/* Whether all that goes wrong on the present device can be made good on another one. */
static bool has_refuge(const ls_fleet *f) { return f->choice && f->unproven; }

/* The present device has failed. */
static ls_status flee(ls_fleet *f, const ls_error *why, ls_error *err)
{
    return ls_fleet_rescue(f, ls_choice_failed(f->choice, f->at, why->message), err);
}

/* Goes over to another candidate with all members, or says why that cannot be. */
static ls_status go_to(ls_fleet *f, size_t to, ls_error *err)
{
    ls_error why;
    size_t from = f->at;
    double started = ls_clock();
    ls_status status = ls_fleet_move(f, to, &why);
    if (status == LS_OK) status = ls_fleet_admit(f, &why);
    if (status != LS_OK && has_refuge(f)) status = flee(f, &why, &why);
    else if (status != LS_OK && to)
        status = ls_fleet_move(f, ls_choice_failed(f->choice, to, why.message), &why);
    if (to != from) f->choice->lost += ls_clock() - started;
    return status == LS_OK ? LS_OK : ls_fail(err, status, "%s", why.message);
}

/* After a round: stays, or goes over to a candidate that is faster or is to be tried. */
static ls_status choose(ls_fleet *f, double seconds, double cost, bool *moved, ls_error *err)
{
    if (!f->choice) return LS_OK;
    ls_workload w = workload(f);
    size_t next = ls_choice_round(f->choice, &w, seconds, cost);
    *moved = next != f->at;
    if (*moved) return go_to(f, next, err);
    if (f->unproven && next == f->choice->best) ls_fleet_settle(f);
    return LS_OK;
}

/* *count: members that had something to do. A failing round leaves members in the midst of a slice:
 * the fleet can go on only if it has copies of them. */
static ls_status one_round(ls_fleet *f, call *c, bool *changed, size_t *count, ls_error *err)
{
    ls_error why;
    progress done = {0};
    double started = ls_clock();
    *count = 0;
    if (*changed) LS_TRY(ls_fleet_admit(f, err));
    *changed = false;
    LS_TRY(plan_round(f, count, err));
    if (!*count) return LS_OK;
    bool moved = false;
    ls_status status = run_round(f, *count, c, &done, &why);
    if (status == LS_OK) status = choose(f, ls_clock() - started, done.cost, &moved, &why);
    *changed = done.changed || moved;
    if (status == LS_OK) return LS_OK;
    if (!has_refuge(f)) f->failure = why;
    return ls_fail(err, status, "%s", why.message);
}

static ls_status run_all(ls_fleet *f, call *c, ls_error *err)
{
    bool changed = true;
    size_t count = 1;
    while (!c->stopped && count) {
        ls_error why;
        ls_status status = one_round(f, c, &changed, &count, &why);
        if (status == LS_OK) continue;
        if (!has_refuge(f)) return ls_fail(err, status, "%s", why.message);
        status = flee(f, &why, &f->failure);
        if (status != LS_OK) return ls_fail(err, status, "%s", f->failure.message);
        changed = true;
        count = 1;
    }
    return LS_OK;
}

/* Where the rounds of a call begin. A candidate that has no room for a member is none. */
static ls_status begin(ls_fleet *f, ls_error *err)
{
    if (!f->choice) return LS_OK;
    ls_workload w = workload(f);
    for (size_t i = 0; i < f->count; i++) /* wherever they are */
        if (f->member[i] && ls_trainer_active(f->member[i]) && !f->member[i]->workspace) {
            w.members++;
            w.step += cost_of_step(f->member[i]);
        }
    size_t to = ls_choice_begin(f->choice, &w);
    uint64_t limit = ls_fleet_limit(f->memory, &f->choice->list[to].info);
    for (size_t i = 0; i < f->count && to; i++)
        if (f->member[i] && ls_trainer_active(f->member[i]) &&
            ls_arena_bytes(f->member[i]) + f->member[i]->block->table->bytes > limit)
            to = ls_choice_failed(f->choice, to, "it has no room for the networks");
    return go_to(f, to, err);
}

/* How far the members of a call are to train; all others do not. */
static ls_status set_goals(ls_fleet *f, const size_t *members, size_t count, uint64_t until,
                           ls_error *err)
{
    for (size_t i = 0; members && i < count; i++)
        if (!find_member(f, members[i], err)) return LS_ERR_ARGUMENT;
    for (size_t i = 0; i < f->count; i++)
        if (f->member[i]) f->member[i]->goal = 0;
    for (size_t i = 0; i < (members ? count : f->count); i++) {
        ls_trainer *tr = f->member[members ? members[i] : i];
        if (tr) tr->goal = until && until < tr->settings->epochs ? until : tr->settings->epochs;
    }
    return LS_OK;
}

ls_status ls_fleet_run(ls_fleet *f, const size_t *members, size_t count, uint64_t until,
                       ls_fleet_callback callback, void *user, ls_error *err)
{
    if (!f) return ls_fail(err, LS_ERR_ARGUMENT, "ls_fleet_run: the fleet is NULL");
    LS_TRY(check_working(f, err));
    LS_TRY(set_goals(f, members, count, until, err));
    LS_TRY(build_tables(f, err));
    call c = {.callback = callback, .user = user, .started = ls_clock()};
    c.reported = c.started;
    LS_TRY(begin(f, err));
    ls_status status = run_all(f, &c, err);
    if (f->choice) ls_choice_end(f->choice);
    LS_TRY(status);
    if (!c.stopped) report(f, &c);
    return LS_OK;
}
