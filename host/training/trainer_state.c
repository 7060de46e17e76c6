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

ls_status ls_trainer_read(ls_trainer *trainer, size_t at, size_t count, float *to, ls_error *err)
{
    return slots_of(trainer)->read(trainer->workspace, trainer->member, at, count, to, err);
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
    return trainer->settings->patience && trainer->best_validation < INFINITY;
}

static ls_rate_factors factors_at(const ls_trainer *trainer, uint64_t step)
{
    return step < trainer->factors_since ? trainer->factors_before : trainer->schedule.factors;
}

ls_rates ls_trainer_rates(const ls_trainer *trainer, uint64_t step)
{
    ls_rate_plan then = trainer->schedule;
    then.factors = factors_at(trainer, step);
    return ls_rates_at(&then, step);
}

bool ls_trainer_can_replay(const ls_trainer *trainer)
{
    return trainer->parked_step >= trainer->factors_since ||
           ls_same_factors(trainer->parked_factors, trainer->factors_before);
}

ls_run ls_trainer_run_of(ls_trainer *trainer, uint64_t first, uint64_t count, bool keep)
{
    for (uint64_t i = 0; i < count; i++)
        trainer->rates[i] = ls_rates_at(&trainer->schedule, first + i);
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

void ls_trainer_leave(ls_trainer *trainer)
{
    if (trainer->workspace) slots_of(trainer)->member_remove(trainer->workspace, trainer->member);
    trainer->workspace = NULL;
    ls_trainer_drop_pending(trainer);
}

/* ---- The copy in host memory ----------------------------------------------------------------- */

/* The state that training begins with, without a copy of it. */
static void start_state(const ls_trainer *trainer, float *to)
{
    const ls_plan *plan = trainer->plan;
    const float *values = trainer->model->values;
    for (size_t i = 0; i < plan->state; i++) to[i] = 0;
    memcpy(to, values, plan->parameters * sizeof *to);
    memcpy(to + plan->state - plan->running, values + plan->parameters, plan->running * sizeof *to);
}

ls_status ls_trainer_read_copy(const ls_trainer *trainer, float *to, ls_error *err)
{
    size_t count = trainer->plan->state * (trainer->parked_best ? 2 : 1);
    if (!trainer->copied)
        return ls_fail(err, LS_ERR_DEVICE, "the state of a network was lost with its device");
    if (!trainer->parked) start_state(trainer, to);
    else memcpy(to, trainer->parked, count * sizeof *to);
    return LS_OK;
}

ls_status ls_trainer_read_states(ls_trainer *trainer, float *to, ls_error *err)
{
    size_t state = trainer->plan->state;
    bool best = ls_trainer_has_best(trainer);
    if (trainer->workspace) {
        LS_TRY(ls_trainer_read(trainer, 0, state, to, err));
        return best ? ls_trainer_read(trainer, trainer->plan->best, state, to + state, err) : LS_OK;
    }
    if (trainer->parked_step == trainer->step) return ls_trainer_read_copy(trainer, to, err);
    return ls_fail(err, LS_ERR_DEVICE, "the state of a network was lost with its device");
}

void ls_trainer_drop_pending(ls_trainer *trainer)
{
    free(trainer->pending);
    trainer->pending = NULL;
}

ls_status ls_trainer_copy_pending(ls_trainer *trainer, ls_error *err)
{
    size_t state = trainer->plan->state;
    bool best = ls_trainer_has_best(trainer);
    float *copy;
    double started = ls_clock();
    LS_TRY(ls_alloc(&copy, best ? 2 * state : state, sizeof *copy, "a copy of the network", err));
    ls_status status = ls_trainer_read_states(trainer, copy, err);
    if (status != LS_OK) {
        free(copy);
        return status;
    }
    ls_trainer_drop_pending(trainer);
    trainer->pending = copy;
    trainer->pending_best = best;
    trainer->pending_step = trainer->step;
    trainer->pending_factors = trainer->schedule.factors;
    trainer->copied_at = trainer->seconds;
    trainer->copy_seconds = ls_clock() - started;
    return LS_OK;
}

void ls_trainer_accept_copy(ls_trainer *trainer)
{
    assert(trainer->pending);
    free(trainer->parked);
    trainer->parked = trainer->pending;
    trainer->pending = NULL;
    trainer->copied = true;
    trainer->parked_best = trainer->pending_best;
    trainer->parked_step = trainer->pending_step;
    trainer->parked_factors = trainer->pending_factors;
}

ls_status ls_trainer_copy_out(ls_trainer *trainer, ls_error *err)
{
    if (trainer->step) { /* otherwise the model has the state: it is the start */
        LS_TRY(ls_trainer_copy_pending(trainer, err));
        ls_trainer_accept_copy(trainer);
        return LS_OK;
    }
    free(trainer->parked);
    trainer->parked = NULL;
    trainer->copied = true;
    trainer->parked_best = false;
    trainer->parked_step = 0;
    trainer->parked_factors = trainer->schedule.factors;
    return LS_OK;
}

void ls_trainer_forget(ls_trainer *trainer)
{
    if (!trainer->workspace) return;
    free(trainer->parked);
    trainer->parked = NULL;
    trainer->copied = false;
}

static ls_status write_copy(ls_trainer *trainer, ls_error *err)
{
    const ls_plan *plan = trainer->plan;
    const float *start = trainer->model->values, *copy = trainer->parked;
    if (!copy) {
        LS_TRY(ls_trainer_write(trainer, 0, plan->parameters, start, err));
        return ls_trainer_write(trainer, plan->state - plan->running, plan->running,
                                start + plan->parameters, err);
    }
    LS_TRY(ls_trainer_write(trainer, 0, plan->state, copy, err));
    return trainer->parked_best
               ? ls_trainer_write(trainer, plan->best, plan->state, copy + plan->state, err)
               : LS_OK;
}

/* Runs the steps between the copy and trainer->step again, at most `most` at a time. The best state
 * is saved where it was. */
static ls_status replay(ls_trainer *trainer, ls_rates *rates, float *losses, uint64_t most,
                        ls_error *err)
{
    uint64_t best = ls_trainer_has_best(trainer)
                        ? trainer->model->summary.best_epoch * trainer->schedule.steps_per_epoch
                        : 0;
    for (uint64_t at = trainer->parked_step, n; at < trainer->step; at += n) {
        n = trainer->step - at < most ? trainer->step - at : most;
        if (best > at && best - at < n) n = best - at;
        for (uint64_t i = 0; i < n; i++) rates[i] = ls_trainer_rates(trainer, at + i);
        ls_run run = {
            .member = trainer->member, .first = at, .count = n, .rates = rates, .losses = losses};
        LS_TRY(slots_of(trainer)->run(trainer->workspace, &run, 1, err));
        if (at + n == best) LS_TRY(ls_trainer_copy_state(trainer, 0, trainer->plan->best, err));
    }
    return LS_OK;
}

static ls_status catch_up(ls_trainer *trainer, ls_error *err)
{
    enum { REPLAY = 1024 };
    ls_rates *rates = NULL;
    float *losses = NULL;
    if (trainer->parked_step == trainer->step) return LS_OK;
    if (!ls_trainer_can_replay(trainer))
        return ls_fail(
            err, LS_ERR_DEVICE,
            "the state of a network was lost with its device, and its learning rate has changed since it was copied");
    ls_status status = ls_alloc(&rates, REPLAY, sizeof *rates, "a network that was lost", err);
    if (status == LS_OK)
        status = ls_alloc(&losses, REPLAY, sizeof *losses, "a network that was lost", err);
    if (status == LS_OK) status = replay(trainer, rates, losses, REPLAY, err);
    free(rates);
    free(losses);
    return status;
}

ls_status ls_trainer_copy_in(ls_trainer *trainer, ls_error *err)
{
    assert(trainer->copied);
    LS_TRY(write_copy(trainer, err));
    return catch_up(trainer, err);
}
