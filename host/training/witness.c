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
/* What the checks of a whole fleet may take before its training has lasted: of one member, and of
 * some tens of small ones. */
static const double first_seconds = 0.01;

bool ls_witness_is_due(const ls_trainer *t)
{
    double wait = t->copy_seconds / share;
    return t->now.seconds - t->copied_at >= (wait > least_seconds ? wait : least_seconds);
}

static bool is_repeated(const ls_trainer *t, uint64_t step)
{
    return t->witness && t->verify && step % t->verify == 0;
}

bool ls_witness_repeats_slice(const ls_trainer *t) { return is_repeated(t, t->first); }

uint64_t ls_witness_limit(const ls_trainer *t, uint64_t steps)
{
    if (!t->witness || !t->verify) return steps;
    uint64_t most = is_repeated(t, t->now.step) ? 1 : t->verify - t->now.step % t->verify;
    return steps < most ? steps : most;
}

/* Runs `count` steps on the CPU path from a copy. losses: count elements. after: room for the state
 * after them, or NULL. */
static ls_status repeat(const ls_trainer *t, const ls_copy *from, uint64_t count, float *losses,
                        float *after, ls_error *err)
{
    const ls_backend_slots *slots = t->witness->slots;
    ls_workspace *workspace = NULL;
    ls_rates *rates = NULL;
    float *state = NULL;
    size_t member;
    ls_status status = ls_alloc(&rates, (size_t)count, sizeof *rates, "a step that is repeated",
                                err);
    if (status == LS_OK)
        status = ls_alloc(&state, t->plan->state, sizeof *state, "a step that is repeated", err);
    if (status == LS_OK)
        status = slots->workspace_open(t->witness, &t->block->table->source.rows, &workspace, err);
    if (status == LS_OK)
        status = slots->member_add(workspace, t->plan, t->block->origin, &member, err);
    bool added = status == LS_OK;
    if (status == LS_OK) {
        const ls_course *course = &from->course;
        const ls_run run = {
            .first = course->step, .count = count, .rates = rates, .losses = losses};
        for (uint64_t i = 0; i < count; i++)
            rates[i] = ls_rates_at(&course->schedule, course->step + i);
        ls_copy_state(t, from, state);
        status = slots->write(workspace, 0, 0, t->plan->state, state, err);
        if (status == LS_OK) status = slots->run(workspace, &run, 1, err);
    }
    if (status == LS_OK && after) status = slots->read(workspace, 0, 0, t->plan->state, after, err);
    if (added) slots->member_remove(workspace, member);
    if (workspace) slots->workspace_close(workspace);
    free(rates);
    free(state);
    return status;
}

static bool same_bits(float a, float b) { return !memcmp(&a, &b, sizeof a); }

static ls_status compare_losses(const ls_trainer *t, const ls_copy *from, ls_error *err)
{
    float loss;
    LS_TRY(repeat(t, from, 1, &loss, NULL, err));
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

static ls_status compare_states(ls_trainer *t, const ls_copy *from, float *there, float *here,
                                ls_error *err)
{
    const ls_plan *plan = t->plan;
    float loss;
    LS_TRY(ls_trainer_read(t, 0, plan->state, there, err));
    LS_TRY(repeat(t, from, 1, &loss, here, err));
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

static ls_status compare_step(ls_trainer *t, const ls_copy *from, ls_error *err)
{
    float *there = NULL, *here = NULL;
    ls_status status = ls_alloc(&there, t->plan->state, sizeof *there, "a repeated step", err);
    if (status == LS_OK)
        status = ls_alloc(&here, t->plan->state, sizeof *here, "a repeated step", err);
    if (status == LS_OK) status = compare_states(t, from, there, here, err);
    free(there);
    free(here);
    return status;
}

/* The copy at the start of the slice, or NULL. */
static const ls_copy *copy_at_start(const ls_trainer *t)
{
    if (t->is_pending && t->pending.course.step == t->first) return &t->pending;
    return t->copied && t->copy.course.step == t->first ? &t->copy : NULL;
}

/* Whether a check may be made that nobody has asked for. */
static bool can_afford(const ls_witness_budget *b)
{
    return !b || b->spent <= first_seconds + share * b->trained;
}

ls_status ls_witness_confirm(ls_trainer *t, ls_error *err)
{
    double started = ls_clock();
    const ls_copy *from = copy_at_start(t);
    if (t->witness && from) {
        bool whole_step = ls_witness_repeats_slice(t) && t->count == 1;
        if (!whole_step && !can_afford(t->budget)) {
            /* nobody knows whether this copy is right: the one before it stays */
            ls_trainer_drop_pending(t);
            return LS_OK;
        }
        ls_status status = whole_step ? compare_step(t, from, err) : compare_losses(t, from, err);
        if (t->budget) t->budget->spent += ls_clock() - started;
        if (status != LS_OK) {
            /* what was reported since the copy may be wrong, too */
            t->reported = t->copied ? t->copy.summary.epochs : t->reported;
            return status;
        }
        t->copy_seconds += ls_clock() - started;
    }
    if (t->is_pending) ls_trainer_accept_copy(t);
    return LS_OK;
}

ls_status ls_witness_confirm_divergence(ls_trainer *t, uint64_t i, ls_error *err)
{
    float *losses;
    if (!t->witness || !t->copied) return LS_OK;
    uint64_t count = t->first + i + 1 - t->copy.course.step;
    LS_TRY(ls_alloc(&losses, (size_t)count, sizeof *losses, "steps that are repeated", err));
    ls_status status = repeat(t, &t->copy, count, losses, NULL, err);
    if (status == LS_OK && isfinite(losses[count - 1]))
        status = ls_fail(
            err, LS_ERR_DEVICE,
            "wrong result: the loss of step %llu is not finite there, but %.9g on the CPU path",
            (unsigned long long)t->first + i + 1, (double)losses[count - 1]);
    free(losses);
    return status;
}
