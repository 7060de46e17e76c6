/* SPDX-License-Identifier: MIT */
#include "host/training/fleet_round.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/training/fleet_device.h"
#include <stdlib.h>

/* Steps of one call to the backend at most, unless one slice alone has more: room for losses and
 * rates. */
enum { CALL_STEPS = 1 << 20 };
/* A slice of ls_train: short enough for progress and Ctrl-C. */
static const double solo_seconds = 0.05;
/* A call to the backend. With few members a round is one call. */
static const double call_seconds = 0.075;
/* Either, while devices are measured. */
static const double brief_seconds = 0.025;

/* Estimated seconds of a step: 0.6 ns per product, and half a microsecond per operation. Only the
 * proportions between members matter; the scale is measured (pace). */
double ls_round_step_cost(const ls_trainer *trainer)
{
    const ls_plan *p = trainer->plan;
    return 6e-10 * (double)p->batch * (double)p->weights + 5e-7 * (double)p->step.count;
}

/* Sorts members of one table next to each other, costly ones first, so that threads end together.
 */
static int compare_slices(const void *a, const void *b)
{
    const ls_slice *x = a, *y = b;
    const ls_table *s = x->trainer->block->table, *t = y->trainer->block->table;
    if (s != t) return (uintptr_t)s < (uintptr_t)t ? -1 : 1;
    return x->cost > y->cost ? -1 : x->cost < y->cost;
}

/* A slice is not shorter than this, however many members there are. CPUs have to fetch a member's
 * memory for each slice (less than a tenth of the time even of a brief one); GPUs are fastest with
 * all members in one call. */
static double least_seconds(const ls_fleet *fleet, bool brief)
{
    return fleet->gpu ? 2e-5 : brief ? 1e-4 : 5e-4;
}

/* Number of slices that measure the device as well as all of them would: on a CPU some per thread,
 * for as long as a sample takes; on a GPU all. */
static size_t measured_slices(const ls_fleet *fleet, size_t count)
{
    enum { ENOUGH = 32 };
    const double sample = 0.012;
    double seconds = 0;
    size_t n = 0;
    if (fleet->gpu) return count;
    for (; n < count && (n < ENOUGH || seconds < sample); n++)
        seconds += fleet->slices[n].cost * fleet->pace;
    return n;
}

ls_status ls_round_plan(ls_fleet *fleet, size_t *count, ls_error *err)
{
    size_t n = 0;
    LS_TRY(ls_grow(&fleet->slices, &fleet->slice_room, fleet->residents, sizeof *fleet->slices,
                   "a round", err));
    for (size_t i = 0; i < fleet->count; i++)
        if (fleet->member[i] && fleet->member[i]->workspace && ls_trainer_active(fleet->member[i]))
            fleet->slices[n++].trainer = fleet->member[i];
    bool brief = fleet->choice && ls_choice_is_measuring(fleet->choice);
    double share = n ? (brief ? brief_seconds : call_seconds) / (double)n : 0;
    if (share < least_seconds(fleet, brief)) share = least_seconds(fleet, brief);
    if (fleet->whole) share = brief ? brief_seconds : solo_seconds;
    ls_slice_kind kind = brief ? LS_SLICE_BRIEF : fleet->whole ? LS_SLICE_WHOLE : LS_SLICE_USUAL;
    for (size_t i = 0; i < n; i++) {
        ls_slice *s = &fleet->slices[i];
        double cost = ls_round_step_cost(s->trainer);
        s->count = ls_trainer_slice(s->trainer, share, cost * fleet->pace, kind);
        s->cost = cost * (double)s->count;
    }
    if (brief) n = measured_slices(fleet, n);
    if (n > 1) qsort(fleet->slices, n, sizeof *fleet->slices, compare_slices);
    *count = n;
    return LS_OK;
}

size_t ls_round_slices_of_call(const ls_fleet *fleet, const ls_slice *s, size_t count,
                               size_t *steps)
{
    double seconds = 0;
    size_t n = 0;
    *steps = 0;
    for (; n < count && s[n].trainer->workspace == s->trainer->workspace; n++) {
        seconds += s[n].cost * fleet->pace;
        if (n && (seconds > 1.1 * call_seconds || *steps + s[n].count > CALL_STEPS)) break;
        *steps += (size_t)s[n].count;
    }
    return n;
}

/* Begins the slices and runs them. */
static ls_status run_slices(ls_fleet *fleet, const ls_slice *s, size_t count, size_t steps,
                            ls_error *err)
{
    size_t at = 0;
    LS_TRY(ls_grow(&fleet->runs, &fleet->run_room, count, sizeof *fleet->runs, "a round", err));
    LS_TRY(ls_grow(&fleet->rates, &fleet->rate_room, steps, sizeof *fleet->rates, "a round", err));
    LS_TRY(ls_grow(&fleet->losses, &fleet->loss_room, steps, sizeof *fleet->losses, "a round",
                   err));
    for (size_t i = 0; i < count; at += (size_t)s[i++].count)
        LS_TRY(ls_trainer_begin(s[i].trainer, s[i].count, fleet->rates + at, fleet->losses + at,
                                &fleet->runs[i], err));
    return fleet->backend->slots->run(s->trainer->workspace, fleet->runs, count, err);
}

ls_status ls_round_call(ls_fleet *fleet, const ls_slice *s, size_t count, size_t steps,
                        ls_round_result *done, ls_error *err)
{
    double cost = 0, started = ls_clock();
    LS_TRY(run_slices(fleet, s, count, steps, err));
    double elapsed = ls_clock() - started;
    for (size_t i = 0; i < count; i++) cost += s[i].cost;
    if (elapsed > 0) fleet->pace = elapsed / cost;
    fleet->witness.trained += elapsed;
    for (size_t i = 0; i < count; i++) {
        ls_trainer *trainer = s[i].trainer;
        uint64_t before = trainer->now.step;
        LS_TRY(ls_trainer_end(trainer, elapsed * s[i].cost / cost, err));
        done->steps += trainer->now.step - before;
        done->cost += (double)(trainer->now.step - before) * ls_round_step_cost(trainer);
        if (!ls_trainer_active(trainer)) done->changed = true;
        if (trainer->state != LS_MEMBER_TRAINING) ls_fleet_leave(fleet, trainer);
        else if (fleet->keeps) LS_TRY(ls_trainer_renew(trainer, err));
    }
    return LS_OK;
}
