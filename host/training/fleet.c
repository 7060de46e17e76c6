/* SPDX-License-Identifier: MIT */
/* Trains many members side by side. In a round each member on the device gets a slice of about the
 * same time. Members that end leave the device, and members that wait in host memory take their
 * place in the next round. Neither slices nor waiting change a bit of them. */
#include "host/training/fleet.h"
#include "host/base/clock.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/data/walk.h"
#include "host/model/targets.h"
#include "host/network/device_kind.h"
#include "host/training/fleet_device.h"
#include "host/training/fleet_round.h"
#include "host/training/fleet_rows.h"
#include "host/training/fleet_work.h"
#include "host/training/knots.h"
#include <assert.h>
#include <stdlib.h>

/* Between two calls of the callback at least. */
static const double report_seconds = 0.05;

/* ---- Opening and closing --------------------------------------------------------------------- */

ls_status ls_fleet_open(ls_device *device, uint64_t memory, ls_fleet **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_fleet *fleet;
    if (!out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_fleet_open: an argument is NULL");
    LS_TRY(ls_alloc(&fleet, 1, sizeof *fleet, "a fleet", err));
    ls_status status = device ? LS_OK : ls_device_open("cpu", 1, 0, &fleet->own, err);
    if (status != LS_OK) {
        free(fleet);
        return status;
    }
    if (!device) device = fleet->own;
    fleet->backend = device->backend;
    fleet->choice = device->choice;
    if (fleet->choice) fleet->at = fleet->choice->best;
    ls_fleet_note_keeping(fleet);
    fleet->memory = memory;
    fleet->limit = ls_fleet_limit(memory, &device->info);
    fleet->gpu = ls_device_kind_of(&device->info) == LS_KIND_GPU;
    fleet->pace = 100; /* pessimistic until the first call was measured */
    *out = fleet;
    return LS_OK;
}

void ls_fleet_close(ls_fleet *fleet)
{
    LS_HOST_MODE(mode);
    if (!fleet) return;
    for (size_t i = 0; i < fleet->count; i++) ls_trainer_free(fleet->member[i]);
    for (size_t i = 0; i < fleet->tables; i++) ls_table_free(fleet->table[i]);
    for (size_t i = 0; i < fleet->blocks; i++) ls_block_free(fleet->block[i]);
    free(fleet->member);
    free(fleet->table);
    free(fleet->block);
    free(fleet->slices);
    free(fleet->runs);
    free(fleet->rates);
    free(fleet->losses);
    free(fleet->inferences);
    free(fleet->held);
    ls_checkpoints_close(fleet->checkpoints);
    ls_device_close(fleet->own);
    free(fleet);
}

/* ---- Members --------------------------------------------------------------------------------- */

/* The inputs are those of the model that training starts from; with an embedding also the pieces.
 */
static ls_status create_model(const ls_options *options, const ls_data *data, const ls_start *start,
                              size_t history, ls_model **out, ls_error *err)
{
    const ls_model *from = start->from;
    ls_shape shape = ls_shape_of(data);
    unsigned char *limits = NULL;
    bool embeds = ls_settings_pieces(&options->settings) > 0;
    if (embeds) LS_TRY(ls_data_check_kept(data, "--embedding piecewise", err));
    if (embeds && from) shape.pieces = from->network.pieces;
    else if (embeds) LS_TRY(ls_knots_limits(data, &limits, err));
    if (limits) shape.pieces = limits;
    ls_status status = ls_model_create(options, from ? from->network.inputs : data->features, shape,
                                       history, out, err);
    free(limits);
    return status;
}

static ls_status open_trainer(ls_fleet *fleet, const ls_options *options, const ls_data *data,
                              const ls_start *start, ls_trainer **out, ls_error *err)
{
    ls_model *m;
    ls_block *block;
    uint64_t epochs = options->settings.epochs;
    LS_TRY(ls_rows_check(&options->settings, data, err));
    LS_TRY(ls_start_check(start, &options->settings, data, err));
    size_t history = epochs < LS_HISTORY_POINTS ? (size_t)epochs + 1 : LS_HISTORY_POINTS + 1;
    LS_TRY(create_model(options, data, start, history, &m, err));
    ls_status status = ls_fleet_find_block(fleet, m, start, data, &block, err);
    if (status != LS_OK) {
        ls_model_free(m);
        return status;
    }
    ls_settings_resolve(&m->options->settings, m->task, block->rows);
    ls_settings_watch(&m->options->settings, block->held_out > 0);
    status = ls_trainer_open(m, data, block, out, err);
    uint64_t limit = fleet->choice ? ls_fleet_limit(fleet->memory, &fleet->choice->list[0].info)
                                   : fleet->limit;
    if (status == LS_OK &&
        (ls_arena_bytes(*out) > limit || ls_block_bytes(block) > limit - ls_arena_bytes(*out))) {
        status =
            ls_fail(err, LS_ERR_MEMORY,
                    "the network and its rows need %.1f MB of memory, the fleet may take %.1f MB",
                    ((double)ls_arena_bytes(*out) + (double)ls_block_bytes(block)) * 1e-6,
                    (double)limit * 1e-6);
        ls_trainer_free(*out);
    }
    if (status != LS_OK && !block->members) ls_fleet_release_block(fleet, block);
    return status;
}

static ls_status add(ls_fleet *fleet, const ls_options *options, const ls_data *data,
                     const ls_start *start, size_t *index, ls_error *err)
{
    ls_trainer *trainer;
    LS_TRY(ls_grow(&fleet->member, &fleet->capacity, fleet->count + 1, sizeof *fleet->member,
                   "a fleet", err));
    LS_TRY(open_trainer(fleet, options, data, start, &trainer, err));
    trainer->block->members++;
    trainer->goal = 0;
    fleet->member[fleet->count] = trainer;
    if (index) *index = fleet->count;
    fleet->count++;
    return LS_OK;
}

ls_status ls_fleet_add(ls_fleet *fleet, const ls_options *options, const ls_data *data,
                       size_t *index, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!fleet || !options || !data)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_fleet_add: an argument is NULL");
    return add(fleet, options, data, &(const ls_start){0}, index, err);
}

ls_status ls_fleet_add_reporting(ls_fleet *fleet, const ls_options *options, const ls_data *data,
                                 const ls_start *start, ls_epoch_callback callback, void *user,
                                 size_t *index, ls_error *err)
{
    LS_TRY(add(fleet, options, data, start, index, err));
    fleet->whole = true;
    fleet->member[*index]->plan->alone = true;
    fleet->member[*index]->callback = callback;
    fleet->member[*index]->user = user;
    return LS_OK;
}

ls_status ls_fleet_control(ls_fleet *fleet, const ls_train_control *control, const ls_data *data,
                           ls_error *err)
{
    ls_trainer *trainer = fleet->member[0];
    const ls_device_info *info = fleet->choice ? &fleet->choice->device->info : NULL;
    bool exact = !info || info->exact;
    fleet->control = control;
    trainer->verify = control->verify;
    trainer->check_finite = control->check_finite;
    if (control->verify && trainer->settings->on_nan == LS_ON_NAN_ROLLBACK)
        return ls_fail(err, LS_ERR_ARGUMENT, "--verify does not go with --on-nan rollback");
    if (!control->checkpoint) return LS_OK;
    LS_TRY(ls_checkpoints_open(control, exact ? "exact" : info->name, data, trainer,
                               &fleet->checkpoints, err));
    trainer->checkpoints = fleet->checkpoints;
    return LS_OK;
}

size_t ls_fleet_unsaved(const ls_fleet *fleet) { return ls_checkpoints_failed(fleet->checkpoints); }

/* A member, or NULL with the reason in err. */
static ls_trainer *find_member(const ls_fleet *fleet, size_t index, ls_error *err)
{
    if (!fleet) ls_fail(err, LS_ERR_ARGUMENT, "the fleet is NULL");
    else if (index >= fleet->count)
        ls_fail(err, LS_ERR_ARGUMENT, "the fleet has no member %zu; it has had %zu", index,
                fleet->count);
    else if (!fleet->member[index])
        ls_fail(err, LS_ERR_ARGUMENT, "member %zu was removed from the fleet", index);
    else return fleet->member[index];
    return NULL;
}

void ls_fleet_remove(ls_fleet *fleet, size_t index)
{
    LS_HOST_MODE(mode);
    ls_trainer *trainer = find_member(fleet, index, NULL);
    if (!trainer) return;
    ls_fleet_leave(fleet, trainer);
    fleet->member[index] = NULL;
    ls_fleet_release_block(fleet, trainer->block);
    ls_trainer_free(trainer);
}

size_t ls_fleet_count(const ls_fleet *fleet) { return fleet ? fleet->count : 0; }

ls_status ls_fleet_member(const ls_fleet *fleet, size_t index, ls_member_info *out, ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_trainer *trainer = find_member(fleet, index, err);
    if (!trainer) return LS_ERR_ARGUMENT;
    if (!out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_fleet_member: out is NULL");
    LS_TRY(LS_CHECK_STRUCT(ls_member_info, out, err));
    const ls_summary *s = &trainer->model->summary;
    const ls_member_info info = {.state = trainer->state,
                                 .epochs = s->epochs,
                                 .steps = trainer->now.step,
                                 .best_epoch = s->best_epoch,
                                 .parameters = s->parameters,
                                 .loss = trainer->now.loss,
                                 .validation_loss = trainer->now.validation,
                                 .seconds = trainer->now.seconds,
                                 .stopped = trainer->stopped,
                                 .message = trainer->message,
                                 .best_validation_loss = trainer->now.best_validation};
    LS_WRITE_STRUCT(ls_member_info, out, 0, &info);
    return LS_OK;
}

static ls_status check_working(const ls_fleet *fleet, ls_error *err)
{
    return fleet->failure.status == LS_OK
               ? LS_OK
               : ls_fail(err, fleet->failure.status, "the fleet cannot go on after this: %.900s",
                         fleet->failure.message);
}

/* Whether members can continue on another device if the present one fails. */
static bool can_recover(const ls_fleet *fleet) { return fleet->keeps; }

static void tell_failure(const ls_fleet *fleet)
{
    const ls_train_control *control = fleet->control;
    if (control && control->notice) control->notice(fleet->choice->failure, control->user);
}

/* Members continue on another device, after the present one has failed. Without fallback they only
 * get there, so that they have states to be saved. */
static ls_status recover(ls_fleet *fleet, const ls_error *why, ls_error *err)
{
    const ls_error reason = *why; /* may be err */
    bool in_use = fleet->at == fleet->choice->best, ends = in_use && fleet->choice->no_fallback;
    LS_TRY(ls_fleet_rescue(fleet, ls_choice_failed(fleet->choice, fleet->at, &reason), err));
    if (in_use && !ends) tell_failure(fleet);
    if (!ends) return LS_OK;
    fleet->keeps = false;
    if (fleet->checkpoints) ls_checkpoints_write(fleet->checkpoints, fleet->member[0], NULL);
    return ls_fail(err, reason.status, "%s", reason.message);
}

ls_status ls_fleet_model(ls_fleet *fleet, size_t index, ls_model **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_trainer *trainer = find_member(fleet, index, err);
    if (!trainer) return LS_ERR_ARGUMENT;
    if (!out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_fleet_model: an argument is NULL");
    if (trainer->workspace) LS_TRY(check_working(fleet, err));
    ls_error why;
    ls_status status = ls_trainer_model(trainer, out, &why);
    if (status == LS_ERR_DEVICE &&
        can_recover(fleet)) { /* a call of ls_fleet_run ends with copies */
        status = recover(fleet, &why, &why);
        if (status == LS_OK) status = ls_trainer_model(trainer, out, &why);
    }
    return status == LS_OK ? LS_OK : ls_fail(err, status, "%s", why.message);
}

ls_status ls_fleet_take_model(ls_fleet *fleet, size_t index, ls_model **out, ls_error *err)
{
    ls_trainer *trainer = find_member(fleet, index, err);
    if (!trainer) return LS_ERR_ARGUMENT;
    if (trainer->state == LS_MEMBER_DIVERGED)
        return ls_fail(err, LS_ERR_DIVERGED, "%s", trainer->message);
    *out = trainer->model;
    trainer->model = NULL;
    return LS_OK;
}

/* ---- Running --------------------------------------------------------------------------------- */

/* A call of ls_fleet_run under way. */
typedef struct {
    ls_fleet_callback callback;
    void *user;
    ls_host_mode *mode; /* the caller's, in which the callback runs */
    double started, reported;
    uint64_t steps;
    bool stopped;
} fleet_call;

static void report(const ls_fleet *fleet, fleet_call *call)
{
    ls_fleet_progress p = {.struct_size = sizeof p, .steps = call->steps};
    if (!call->callback) return;
    for (size_t i = 0; i < fleet->count; i++) {
        const ls_trainer *trainer = fleet->member[i];
        if (!trainer) continue;
        p.members++;
        p.training += trainer->state == LS_MEMBER_TRAINING;
        p.done += trainer->state == LS_MEMBER_DONE;
        p.diverged += trainer->state == LS_MEMBER_DIVERGED;
        p.waiting += !trainer->workspace && ls_trainer_active(trainer);
    }
    call->reported = ls_clock();
    p.seconds = call->reported - call->started;
    ls_host_mode_give(call->mode);
    call->stopped = call->callback(&p, call->user) != 0;
    ls_host_mode_take(call->mode);
}

/* All calls of a round. */
static ls_status run_round(ls_fleet *fleet, size_t count, fleet_call *call, ls_round_result *done,
                           ls_error *err)
{
    for (size_t i = 0, n, steps; i < count && !call->stopped; i += n) {
        uint64_t before = done->steps;
        n = ls_round_slices_of_call(fleet, fleet->slices + i, count - i, &steps);
        LS_TRY(ls_round_call(fleet, fleet->slices + i, n, steps, done, err));
        call->steps += done->steps - before;
        if (ls_clock() - call->reported >= report_seconds) report(fleet, call);
    }
    return LS_OK;
}

/* Moves all members to candidate `to`, or to the best if that fails. */
static ls_status change_candidate(ls_fleet *fleet, size_t to, ls_error *err)
{
    ls_error why;
    size_t from = fleet->at;
    double started = ls_clock();
    ls_status status = ls_fleet_move(fleet, to, &why);
    if (status == LS_OK) status = ls_fleet_admit(fleet, &why);
    if (status != LS_OK && can_recover(fleet)) status = recover(fleet, &why, &why);
    else if (status != LS_OK && to)
        status = ls_fleet_move(fleet, ls_choice_failed(fleet->choice, to, &why), &why);
    if (to != from) fleet->choice->lost += ls_clock() - started;
    return status == LS_OK ? LS_OK : ls_fail(err, status, "%s", why.message);
}

/* After a round: stays, or moves to a candidate that is faster or to be measured. */
static ls_status follow_choice(ls_fleet *fleet, double seconds, double cost, bool *moved,
                               ls_error *err)
{
    if (!fleet->choice) return LS_OK;
    ls_workload w = ls_fleet_workload(fleet, false);
    size_t next = ls_choice_round(fleet->choice, &w, seconds, cost);
    *moved = next != fleet->at;
    if (*moved) return change_candidate(fleet, next, err);
    ls_fleet_note_keeping(fleet);
    return LS_OK;
}

/* *count: members that had steps to run. A round that fails leaves members within a slice; training
 * can continue only with copies of them. */
static ls_status one_round(ls_fleet *fleet, fleet_call *call, bool *changed, size_t *count,
                           ls_error *err)
{
    ls_error why;
    ls_round_result done = {0};
    double started = ls_clock();
    *count = 0;
    if (*changed) LS_TRY(ls_fleet_admit(fleet, err));
    *changed = false;
    LS_TRY(ls_round_plan(fleet, count, err));
    if (!*count) return ls_fleet_copy_members(fleet, err);
    bool moved = false;
    ls_status status = run_round(fleet, *count, call, &done, &why);
    if (status == LS_OK && fleet->checkpoints)
        status = ls_checkpoints_offer(fleet->checkpoints, fleet->member[0], &why);
    if (status == LS_OK)
        status = follow_choice(fleet, ls_clock() - started, done.cost, &moved, &why);
    *changed = done.changed || moved;
    if (status == LS_OK) return LS_OK;
    if (!can_recover(fleet)) fleet->failure = why;
    return ls_fail(err, status, "%s", why.message);
}

static ls_status run_all(ls_fleet *fleet, fleet_call *call, ls_error *err)
{
    bool changed = true;
    size_t count = 1;
    while (!call->stopped && count) {
        ls_error why;
        ls_status status = one_round(fleet, call, &changed, &count, &why);
        if (status == LS_OK) continue;
        if (!can_recover(fleet)) return ls_fail(err, status, "%s", why.message);
        status = recover(fleet, &why, &fleet->failure);
        if (status != LS_OK) return ls_fail(err, status, "%s", fleet->failure.message);
        changed = true;
        count = 1;
    }
    return LS_OK;
}

/* Whether a candidate has room for each member by itself. */
static bool has_room(const ls_fleet *fleet, const ls_candidate *candidate)
{
    uint64_t limit = ls_fleet_limit(fleet->memory, &candidate->info);
    for (size_t i = 0; i < fleet->count; i++)
        if (fleet->member[i] && ls_trainer_active(fleet->member[i]) &&
            ls_arena_bytes(fleet->member[i]) + fleet->member[i]->block->table->bytes > limit)
            return false;
    return true;
}

/* Chooses the candidate on which the rounds of a call begin: one that has room. */
static ls_status begin_call(ls_fleet *fleet, ls_error *err)
{
    ls_choice *choice = fleet->choice;
    const ls_error no_room = {LS_ERR_MEMORY, "it has no room for the networks"};
    if (!choice) return LS_OK;
    ls_workload w = ls_fleet_workload(fleet, true);
    size_t to = ls_choice_begin(choice, &w);
    if (to && !has_room(fleet, &choice->list[to])) {
        if (choice->no_fallback)
            return ls_fail(err, LS_ERR_MEMORY, "%s: %s", choice->list[to].info.name,
                           no_room.message);
        to = ls_choice_failed(choice, to, &no_room);
        tell_failure(fleet);
    }
    return change_candidate(fleet, to, err);
}

/* Sets how far the members of a call train; all others pause. */
static ls_status set_goals(ls_fleet *fleet, const size_t *members, size_t count, uint64_t until,
                           ls_error *err)
{
    for (size_t i = 0; members && i < count; i++)
        if (!find_member(fleet, members[i], err)) return LS_ERR_ARGUMENT;
    for (size_t i = 0; i < fleet->count; i++)
        if (fleet->member[i]) fleet->member[i]->goal = 0;
    for (size_t i = 0; i < (members ? count : fleet->count); i++) {
        ls_trainer *trainer = fleet->member[members ? members[i] : i];
        if (trainer)
            trainer->goal = until && until < trainer->settings->epochs ? until
                                                                       : trainer->settings->epochs;
    }
    return LS_OK;
}

ls_status ls_fleet_run(ls_fleet *fleet, const size_t *members, size_t count, uint64_t until,
                       ls_fleet_callback callback, void *user, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!fleet) return ls_fail(err, LS_ERR_ARGUMENT, "ls_fleet_run: the fleet is NULL");
    LS_TRY(check_working(fleet, err));
    LS_TRY(set_goals(fleet, members, count, until, err));
    LS_TRY(ls_fleet_build_tables(fleet, err));
    fleet_call call = {.callback = callback, .user = user, .mode = &mode, .started = ls_clock()};
    call.reported = call.started;
    LS_TRY(begin_call(fleet, err));
    ls_status status = run_all(fleet, &call, err);
    if (fleet->choice) ls_choice_end(fleet->choice);
    LS_TRY(status);
    if (!call.stopped) report(fleet, &call);
    return LS_OK;
}
