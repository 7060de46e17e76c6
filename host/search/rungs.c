/* SPDX-License-Identifier: MIT */
#include "host/search/rungs.h"
#include <assert.h>

size_t ls_halving(size_t trials, uint64_t epochs, size_t eta, ls_rung *rung)
{
    assert(eta >= 2);
    size_t rungs = 1;
    uint64_t power = 1; /* eta^(rungs - 1) */
    while (rungs < LS_MOST_RUNGS && power <= trials / eta && power <= epochs / eta) {
        power *= eta;
        rungs++;
    }
    for (size_t i = 0; i < rungs; i++, power /= eta, trials /= eta)
        rung[i] = (ls_rung){trials, power > 1 ? (epochs - 1) / power + 1 : 0};
    return rungs;
}

void ls_search_choose_rungs(ls_search *s)
{
    size_t usable = 0;
    for (size_t i = 0; i < s->trials; i++) usable += s->trial[i].state != LS_TRIAL_REFUSED;
    s->rungs = 1;
    s->rung[0] = (ls_rung){usable, 0};
    if (s->how.strategy == LS_SEARCH_HALVING)
        s->rungs = ls_halving(usable, s->space->base->settings.epochs, s->how.eta, s->rung);
}

/* The next wave trains the best trials of the rung before, less those that have completed this
 * rung. The whole rung is therefore the same set of trials wherever the search was resumed. */
size_t ls_search_next_wave(const ls_search *s, size_t rung, size_t *order)
{
    assert(rung < s->rungs && s->members > 0);
    size_t through = 0, n = 0, most = s->wave_size / s->members;
    for (size_t i = 0; i < s->trials; i++) through += s->trial[i].rung > rung;
    size_t wanted = s->rung[rung].trials > through ? s->rung[rung].trials - through : 0;
    if (most < 1) most = 1;
    if (wanted > most) wanted = most;
    for (size_t i = 0; i < s->trials && n < wanted; i++) {
        const ls_trial *t = &s->trial[order[i]];
        if (t->rung == rung && t->state == (rung ? LS_TRIAL_SCORED : LS_TRIAL_WAITING))
            order[n++] = order[i];
    }
    return n;
}
