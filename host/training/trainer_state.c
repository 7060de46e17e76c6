/* SPDX-License-Identifier: MIT */
#include "host/training/trainer_state.h"
#include "host/base/memory.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

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
}

/* ---- The copy in host memory ----------------------------------------------------------------- */

ls_status ls_trainer_copy_out(ls_trainer *trainer, ls_error *err)
{
    size_t state = trainer->plan->state;
    bool best = ls_trainer_has_best(trainer);
    float *copy = NULL;
    if (trainer->step) { /* otherwise the model has the state: it is the start */
        LS_TRY(ls_alloc(&copy, best ? 2 * state : state, sizeof *copy, "a waiting network", err));
        ls_status status = ls_trainer_read(trainer, 0, state, copy, err);
        if (status == LS_OK && best)
            status = ls_trainer_read(trainer, trainer->plan->best, state, copy + state, err);
        if (status != LS_OK) {
            free(copy);
            return status;
        }
    }
    free(trainer->parked);
    trainer->parked = copy;
    trainer->copied = true;
    trainer->parked_best = best;
    trainer->parked_step = trainer->step;
    trainer->parked_plateau = trainer->schedule.plateau;
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
        for (uint64_t i = 0; i < n; i++) rates[i] = ls_rates_at(&trainer->schedule, at + i);
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
    if (trainer->parked_plateau != trainer->schedule.plateau)
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
