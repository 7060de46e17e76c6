/* SPDX-License-Identifier: MIT */
#include "host/training/trainer_state.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Access to the device -------------------------------------------------------------------- */

static const ls_backend_slots *slots_of(const ls_trainer *trainer)
{
    assert(trainer->workspace);
    return trainer->workspace->backend->slots;
}

/* Whether the floats are those that a second reading gives. */
static ls_status read_again(ls_trainer *trainer, size_t at, size_t count, const float *first,
                            ls_error *err)
{
    enum { PIECE = 1 << 16 };
    float *again;
    ls_status status = LS_OK;
    LS_TRY(ls_alloc(&again, count < PIECE ? count : PIECE, sizeof *again, "a second reading", err));
    for (size_t i = 0, n; i < count && status == LS_OK; i += n) {
        n = count - i < PIECE ? count - i : PIECE;
        status = slots_of(trainer)->read(trainer->workspace, trainer->member, at + i, n, again,
                                         err);
        if (status == LS_OK && memcmp(again, first + i, n * sizeof *again))
            status = ls_fail(err, LS_ERR_DEVICE,
                             "wrong result: reading the same memory twice gave different values");
    }
    free(again);
    return status;
}

ls_status ls_trainer_read(ls_trainer *trainer, size_t at, size_t count, float *to, ls_error *err)
{
    const ls_backend_slots *slots = slots_of(trainer);
    if (trainer->witness && slots->read_twice)
        return slots->read_twice(trainer->workspace, trainer->member, at, count, to, err);
    LS_TRY(slots->read(trainer->workspace, trainer->member, at, count, to, err));
    return trainer->witness ? read_again(trainer, at, count, to, err) : LS_OK;
}

ls_status ls_trainer_write(ls_trainer *trainer, size_t at, size_t count, const float *from,
                           ls_error *err)
{
    return slots_of(trainer)->write(trainer->workspace, trainer->member, at, count, from, err);
}

ls_status ls_trainer_copy_state(ls_trainer *trainer, size_t from, size_t to, ls_error *err)
{
    return slots_of(trainer)->copy(trainer->workspace, trainer->member, from, to,
                                   trainer->plan->state, err);
}

bool ls_trainer_has_best(const ls_trainer *trainer)
{
    return trainer->settings->patience && trainer->now.best_validation < INFINITY;
}

ls_run ls_trainer_run_of(ls_trainer *trainer, uint64_t first, uint64_t count, bool keep)
{
    for (uint64_t i = 0; i < count; i++)
        trainer->rates[i] = ls_rates_at(&trainer->now.schedule, first + i);
    return (ls_run){.member = trainer->member,
                    .first = first,
                    .count = count,
                    .rates = trainer->rates,
                    .losses = trainer->losses,
                    .keep = keep};
}

ls_status ls_trainer_run_steps(ls_trainer *trainer, uint64_t first, uint64_t count, bool keep,
                               ls_error *err)
{
    ls_run run = ls_trainer_run_of(trainer, first, count, keep);
    return slots_of(trainer)->run(trainer->workspace, &run, 1, err);
}

/* ---- Copies ---------------------------------------------------------------------------------- */

void ls_copy_free(ls_copy *copy)
{
    free(copy->state);
    free(copy->history);
    *copy = (ls_copy){0};
}

/* The states on the device. */
static ls_status take_states(ls_trainer *trainer, ls_copy *out, ls_error *err)
{
    const size_t state = trainer->plan->state;
    out->best = ls_trainer_has_best(trainer);
    LS_TRY(ls_alloc(&out->state, out->best ? 2 * state : state, sizeof *out->state,
                    "a copy of the network", err));
    LS_TRY(ls_trainer_read(trainer, 0, state, out->state, err));
    return out->best ? ls_trainer_read(trainer, trainer->plan->best, state, out->state + state, err)
                     : LS_OK;
}

ls_status ls_copy_take(ls_trainer *trainer, ls_copy *out, ls_error *err)
{
    const ls_model *model = trainer->model;
    *out = (ls_copy){
        .course = trainer->now, .summary = model->summary, .history_count = model->history_count};
    ls_status status = ls_alloc(&out->history, model->history_count, sizeof *out->history,
                                "a copy of the history", err);
    if (status == LS_OK && model->history_count)
        memcpy(out->history, model->history, model->history_count * sizeof *out->history);
    /* before the first step the model has the state */
    if (status == LS_OK && trainer->now.step) status = take_states(trainer, out, err);
    if (status != LS_OK) ls_copy_free(out);
    return status;
}

void ls_copy_state(const ls_trainer *trainer, const ls_copy *copy, float *to)
{
    const ls_plan *plan = trainer->plan;
    const float *values = trainer->model->values;
    if (copy->state) {
        memcpy(to, copy->state, plan->state * sizeof *to);
        return;
    }
    for (size_t i = 0; i < plan->state; i++) to[i] = 0;
    memcpy(to, values, plan->parameters * sizeof *to);
    memcpy(to + plan->state - plan->running, values + plan->parameters, plan->running * sizeof *to);
}

void ls_trainer_drop_pending(ls_trainer *trainer)
{
    ls_copy_free(&trainer->pending);
    trainer->is_pending = false;
}

ls_status ls_trainer_copy_pending(ls_trainer *trainer, ls_error *err)
{
    ls_copy copy;
    double started = ls_clock();
    LS_TRY(ls_copy_take(trainer, &copy, err));
    ls_trainer_drop_pending(trainer);
    trainer->pending = copy;
    trainer->is_pending = true;
    trainer->copied_at = trainer->now.seconds;
    trainer->copy_seconds = ls_clock() - started;
    return LS_OK;
}

void ls_trainer_accept_copy(ls_trainer *trainer)
{
    assert(trainer->is_pending);
    ls_copy_free(&trainer->copy);
    trainer->copy = trainer->pending;
    trainer->copied = true;
    trainer->pending = (ls_copy){0};
    trainer->is_pending = false;
}

ls_status ls_trainer_copy_out(ls_trainer *trainer, ls_error *err)
{
    LS_TRY(ls_trainer_copy_pending(trainer, err));
    ls_trainer_accept_copy(trainer);
    return LS_OK;
}

void ls_trainer_forget(ls_trainer *trainer)
{
    if (!trainer->workspace) return;
    ls_copy_free(&trainer->copy);
    trainer->copied = false;
}

/* Training stands where the copy was taken. */
static void restore(ls_trainer *trainer)
{
    const ls_copy *copy = &trainer->copy;
    ls_model *model = trainer->model;
    trainer->now = copy->course;
    model->summary = copy->summary;
    model->history_count = copy->history_count;
    if (copy->history_count)
        memcpy(model->history, copy->history, copy->history_count * sizeof *copy->history);
    trainer->stopped = NULL;
}

void ls_trainer_resume(ls_trainer *trainer, ls_copy copy)
{
    ls_copy_free(&trainer->copy);
    trainer->copy = copy;
    restore(trainer);
    trainer->reported = copy.summary.epochs;
    trainer->copied_at = trainer->checked_at = trainer->now.seconds;
}

void ls_trainer_leave(ls_trainer *trainer)
{
    if (!trainer->workspace) return;
    slots_of(trainer)->member_remove(trainer->workspace, trainer->member);
    trainer->workspace = NULL;
    ls_trainer_drop_pending(trainer);
    if (trainer->copied && trainer->state == LS_MEMBER_TRAINING) restore(trainer);
}

ls_status ls_trainer_copy_in(ls_trainer *trainer, ls_error *err)
{
    const ls_plan *plan = trainer->plan;
    const float *start = trainer->model->values, *state = trainer->copy.state;
    assert(trainer->copied);
    if (!state) {
        LS_TRY(ls_trainer_write(trainer, 0, plan->parameters, start, err));
        return ls_trainer_write(trainer, plan->state - plan->running, plan->running,
                                start + plan->parameters, err);
    }
    LS_TRY(ls_trainer_write(trainer, 0, plan->state, state, err));
    return trainer->copy.best
               ? ls_trainer_write(trainer, plan->best, plan->state, state + plan->state, err)
               : LS_OK;
}
