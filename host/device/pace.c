/* SPDX-License-Identifier: MIT */
#include "host/device/pace.h"

/* Rounds are one sample as soon as they have taken this long. */
static const double sample_seconds = 0.01;

double ls_pace_add(ls_paces *p, double seconds, double cost, double *pace)
{
    p->seconds += seconds;
    p->cost += cost;
    if (p->seconds < sample_seconds || p->cost <= 0) return 0;
    double sample = p->seconds;
    *pace = sample / p->cost;
    ls_pace_discard(p);
    return sample;
}

void ls_pace_discard(ls_paces *p) { p->seconds = p->cost = 0; }

void ls_pace_note(ls_paces *p, double pace) { p->pace[p->samples++ % LS_PACE_SAMPLES] = pace; }

double ls_pace_least(const ls_paces *p)
{
    double least = 0;
    for (size_t i = 0; i < p->samples && i < LS_PACE_SAMPLES; i++)
        if (i == 0 || p->pace[i] < least) least = p->pace[i];
    return least;
}

void ls_pace_forget(ls_paces *p)
{
    p->samples = 0;
    ls_pace_discard(p);
}
