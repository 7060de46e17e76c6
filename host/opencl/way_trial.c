/* SPDX-License-Identifier: MIT */
#include "host/opencl/way_trial.h"

/* Seconds of samples that suffice. */
static const double enough = 0.002;
/* A way that needs this many times the least is given up. */
static const double hopeless = 2.0;

/* The fastest of the able ways that were measured; LS_CL_WAY_COUNT if there is none. */
static ls_cl_way_id fastest(const ls_way_trial *t, const bool able[LS_CL_WAY_COUNT])
{
    ls_cl_way_id best = LS_CL_WAY_COUNT;
    for (int way = 0; way < LS_CL_WAY_COUNT; way++)
        if (able[way] && t->least[way] > 0 &&
            (best == LS_CL_WAY_COUNT || t->least[way] < t->least[best]))
            best = (ls_cl_way_id)way;
    return best;
}

ls_way_turn ls_way_trial_next(const ls_way_trial *t, const bool able[LS_CL_WAY_COUNT])
{
    ls_way_turn only = {LS_CL_WAY_COUNT, UINT64_MAX};
    size_t count = 0;
    for (int way = 0; way < LS_CL_WAY_COUNT; way++)
        if (able[way]) only.way = (ls_cl_way_id)way, count++;
    if (count == 1) return only;
    /* the last of the list first: they are the likely winners, against which others are given up */
    for (int way = LS_CL_WAY_COUNT - 1; way >= 0; way--) {
        uint64_t steps = t->next_steps[way] ? t->next_steps[way] : 1;
        if (able[way] && !t->done[way]) return (ls_way_turn){(ls_cl_way_id)way, steps};
    }
    ls_cl_way_id best = fastest(t, able);
    return best == LS_CL_WAY_COUNT ? only : (ls_way_turn){best, UINT64_MAX};
}

static const bool all[LS_CL_WAY_COUNT] = {true, true, true};

void ls_way_trial_expect(ls_way_trial *t, ls_cl_way_id way, double least_seconds)
{
    ls_cl_way_id best = fastest(t, all);
    if (best == LS_CL_WAY_COUNT || best == way || t->least[way] > 0) return;
    if (least_seconds > hopeless * t->least[best]) t->done[way] = true;
}

void ls_way_trial_note(ls_way_trial *t, ls_cl_way_id way, uint64_t steps, double seconds)
{
    if (t->done[way] || !steps) return;
    if (!t->warm[way]) {
        t->warm[way] = true;
        return;
    }
    double pace = seconds / (double)steps;
    if (pace <= 0) pace = 1e-12; /* below the clock's resolution */
    if (t->least[way] <= 0 || pace < t->least[way]) t->least[way] = pace;
    double best = t->least[fastest(t, all)];
    t->seconds[way] += seconds;
    t->done[way] = t->seconds[way] >= enough || t->least[way] > hopeless * best;
    t->next_steps[way] = 4 * steps;
}
