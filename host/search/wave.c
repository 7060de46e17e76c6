/* SPDX-License-Identifier: MIT */
#include "host/search/wave.h"
#include "host/base/memory.h"
#include "host/search/rank.h"
#include "host/search/scoring.h"
#include "host/search/trial.h"
#include <assert.h>
#include <stdlib.h>

static void release(ls_search *s, ls_trial *t)
{
    for (size_t i = 0; t->member && i < s->members; i++)
        if (t->member[i] != SIZE_MAX) ls_fleet_remove(s->fleet, t->member[i]);
    free(t->member);
    t->member = NULL;
}

/* Adds a trial's trainings to the fleet, or refuses the trial if its options do not fit. */
static ls_status enter(ls_search *s, size_t trial, size_t rung, ls_error *err)
{
    ls_trial *t = &s->trial[trial];
    if (t->member) return LS_OK;
    LS_TRY(ls_alloc(&t->member, s->members, sizeof *t->member, "a trial's trainings", err));
    for (size_t i = 0; i < s->members; i++) t->member[i] = SIZE_MAX;
    for (size_t seed = 0, i = 0; seed < s->how.seeds; seed++) {
        ls_options *options;
        ls_error why;
        LS_TRY(ls_search_options(s, trial, seed, &options, err));
        ls_status status = LS_OK;
        for (size_t part = 0; part < s->parts && status == LS_OK; part++, i++)
            status = ls_fleet_add(s->fleet, options, s->train[part], &t->member[i], &why);
        ls_options_free(options);
        if (status == LS_OK) continue;
        release(s, t);
        return status == LS_ERR_ARGUMENT
                   ? ls_trial_give_up(t, LS_TRIAL_REFUSED, rung + 1, why.message, err)
                   : ls_fail(err, status, "%s", why.message);
    }
    return LS_OK;
}

/* Whether all of a trial's trainings have reached the end of the rung. */
static ls_status is_complete(const ls_search *s, const ls_trial *t, uint64_t until, bool *out,
                             ls_error *err)
{
    *out = true;
    for (size_t i = 0; i < s->members && *out; i++) {
        ls_member_info info = LS_INIT(ls_member_info);
        LS_TRY(ls_fleet_member(s->fleet, t->member[i], &info, err));
        *out = info.state != LS_MEMBER_TRAINING || (until && info.epochs >= until);
    }
    return LS_OK;
}

/* Frees the trainings of trials that cannot go on: all but the best of those that completed this
 * rung, or all of them on the last rung. */
static ls_status release_losers(ls_search *s, size_t rung, ls_error *err)
{
    size_t *order, going_on = rung + 1 < s->rungs ? s->rung[rung + 1].trials : 0, kept = 0;
    LS_TRY(ls_alloc(&order, s->trials, sizeof *order, "the ranking", err));
    ls_status status = ls_search_rank(s, order, err);
    for (size_t i = 0; i < s->trials && status == LS_OK; i++) {
        ls_trial *t = &s->trial[order[i]];
        if (t->rung != rung + 1) continue;
        if (t->state != LS_TRIAL_SCORED || kept++ >= going_on) release(s, t);
    }
    free(order);
    return status;
}

ls_status ls_search_run_wave(ls_search *s, const size_t *wave, size_t count, size_t rung,
                             ls_fleet_callback callback, void *user, ls_error *err)
{
    assert(s->fleet && s->scoring_device && rung < s->rungs);
    uint64_t until = s->rung[rung].until;
    size_t *members, size, n = 0;
    if (!ls_mul_size(count, s->members, &size))
        return ls_fail(err, LS_ERR_MEMORY, "too many trainings for this machine");
    LS_TRY(ls_alloc(&members, size, sizeof *members, "the trainings", err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < count && status == LS_OK; i++) {
        status = enter(s, wave[i], rung, err);
        const ls_trial *t = &s->trial[wave[i]];
        for (size_t k = 0; t->member && status == LS_OK && k < s->members; k++)
            members[n++] = t->member[k];
    }
    s->working = n;
    if (status == LS_OK && n)
        status = ls_fleet_run(s->fleet, members, n, until, callback, user, err);
    n = 0; /* `members` has room for a number for each trial */
    for (size_t i = 0; i < count && status == LS_OK; i++) {
        bool complete = false;
        if (s->trial[wave[i]].member)
            status = is_complete(s, &s->trial[wave[i]], until, &complete, err);
        if (complete) members[n++] = wave[i];
    }
    if (status == LS_OK) status = ls_search_score(s, members, n, rung, err);
    free(members);
    return status == LS_OK ? release_losers(s, rung, err) : status;
}
