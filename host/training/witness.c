/* SPDX-License-Identifier: MIT */
#include "host/training/witness.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Copy and witness may take this share of the seconds of training, */
static const double share = 0.005;
/* and come after at least so many seconds. */
static const double least_seconds = 0.02;

bool ls_witness_is_due(const ls_trainer *t)
{
    double wait = t->copy_seconds / share;
    return !ls_same_factors(t->parked_factors, t->schedule.factors) ||
           t->seconds - t->copied_at >= (wait > least_seconds ? wait : least_seconds);
}

static bool is_repeated(const ls_trainer *t, uint64_t step)
{
    return t->witness && t->verify && step % t->verify == 0;
}

bool ls_witness_repeats_slice(const ls_trainer *t) { return is_repeated(t, t->first); }

uint64_t ls_witness_limit(const ls_trainer *t, uint64_t steps)
{
    if (!t->witness || !t->verify) return steps;
    uint64_t most = is_repeated(t, t->step) ? 1 : t->verify - t->step % t->verify;
    return steps < most ? steps : most;
}

/* Runs `count` steps on the CPU path from a state at step `first`. losses: count elements. after:
 * room for the state after them, or NULL. */
static ls_status repeat(const ls_trainer *t, const float *state, uint64_t first, uint64_t count,
                        float *losses, float *after, ls_error *err)
{
    const ls_backend_slots *slots = t->witness->slots;
    ls_workspace *workspace;
    ls_rates *rates;
    size_t member;
    LS_TRY(ls_alloc(&rates, count, sizeof *rates, "a step that is repeated", err));
    for (uint64_t i = 0; i < count; i++) rates[i] = ls_trainer_rates(t, first + i);
    ls_status status = slots->workspace_open(t->witness, &t->block->table->rows, &workspace, err);
    if (status != LS_OK) {
        free(rates);
        return status;
    }
    const ls_run run = {
        .first = first, .count = count, .rates = rates, .losses = losses, .member = 0};
    status = slots->member_add(workspace, t->plan, t->block->origin, &member, err);
    if (status == LS_OK) status = slots->write(workspace, 0, 0, t->plan->state, state, err);
    if (status == LS_OK) status = slots->run(workspace, &run, 1, err);
    if (status == LS_OK && after) status = slots->read(workspace, 0, 0, t->plan->state, after, err);
    slots->workspace_close(workspace);
    free(rates);
    return status;
}

static bool same_bits(float a, float b) { return !memcmp(&a, &b, sizeof a); }

static ls_status compare_losses(const ls_trainer *t, ls_error *err)
{
    float loss;
    LS_TRY(repeat(t, t->pending, t->first, 1, &loss, NULL, err));
    if (same_bits(loss, t->losses[0])) return LS_OK;
    return ls_fail(err, LS_ERR_DEVICE,
                   "wrong result: the loss of step %llu is %.9g there and %.9g on the CPU path",
                   (unsigned long long)t->first + 1, (double)t->losses[0], (double)loss);
}

/* The place in the state as users know it. */
static const char *place_of(const ls_plan *plan, size_t i)
{
    return i < plan->weights                 ? "a weight"
           : i < plan->parameters            ? "a parameter"
           : i < plan->state - plan->running ? "an optimizer state"
                                             : "a running average";
}

static ls_status compare_states(ls_trainer *t, float *there, float *here, ls_error *err)
{
    const ls_plan *plan = t->plan;
    float loss;
    LS_TRY(ls_trainer_read(t, 0, plan->state, there, err));
    LS_TRY(repeat(t, t->pending, t->first, 1, &loss, here, err));
    for (size_t i = 0; i < plan->state; i++)
        if (!same_bits(there[i], here[i]))
            return ls_fail(
                err, LS_ERR_DEVICE,
                "wrong result: %s (number %zu) after step %llu is %.9g there and %.9g on the CPU path",
                place_of(plan, i), i, (unsigned long long)t->first + 1, (double)there[i],
                (double)here[i]);
    if (same_bits(loss, t->losses[0])) return LS_OK;
    return ls_fail(err, LS_ERR_DEVICE, "wrong result: the loss of step %llu differs",
                   (unsigned long long)t->first + 1);
}

static ls_status compare_step(ls_trainer *t, ls_error *err)
{
    float *there = NULL, *here = NULL;
    ls_status status = ls_alloc(&there, t->plan->state, sizeof *there, "a repeated step", err);
    if (status == LS_OK)
        status = ls_alloc(&here, t->plan->state, sizeof *here, "a repeated step", err);
    if (status == LS_OK) status = compare_states(t, there, here, err);
    free(there);
    free(here);
    return status;
}

ls_status ls_witness_confirm(ls_trainer *t, ls_error *err)
{
    double started = ls_clock();
    if (!t->pending) return LS_OK;
    if (t->first == t->pending_step && t->witness)
        LS_TRY(ls_witness_repeats_slice(t) ? compare_step(t, err) : compare_losses(t, err));
    ls_trainer_accept_copy(t);
    t->copy_seconds += ls_clock() - started;
    return LS_OK;
}

ls_status ls_witness_confirm_divergence(ls_trainer *t, uint64_t i, ls_error *err)
{
    const uint64_t at = t->parked_step, count = t->first + i + 1 - at;
    float *state, *losses = NULL;
    if (!t->witness || !t->copied || !ls_trainer_can_replay(t)) return LS_OK;
    LS_TRY(ls_alloc(&state, 2 * t->plan->state, sizeof *state, "a step that is repeated", err));
    ls_status status = ls_trainer_read_copy(t, state, err);
    if (status == LS_OK)
        status = ls_alloc(&losses, count, sizeof *losses, "steps that are repeated", err);
    if (status == LS_OK) status = repeat(t, state, at, count, losses, NULL, err);
    if (status == LS_OK && isfinite(losses[count - 1]))
        status = ls_fail(
            err, LS_ERR_DEVICE,
            "wrong result: the loss of step %llu is not finite there, but %.9g on the CPU path",
            (unsigned long long)t->first + i + 1, (double)losses[count - 1]);
    free(losses);
    free(state);
    return status;
}
