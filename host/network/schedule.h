/* SPDX-License-Identifier: MIT */
#ifndef LS_SCHEDULE_H
#define LS_SCHEDULE_H

#include "host/network/optimizer.h"
#include "host/network/settings.h"

/* What the rate is multiplied by because of the losses so far: `plateau` by the schedule of that
 * name, `halved` after training has gone back from values that were not finite. */
typedef struct {
    double plateau, halved;
} ls_rate_factors;

/* The learning rate over a run. It is a function of the step number and these factors. The settings
 * must outlive the plan. */
typedef struct {
    const ls_settings *settings;
    uint64_t steps_per_epoch;
    ls_rate_factors factors;
    double best;     /* lowest loss so far, for `plateau` */
    uint64_t waited; /* number of epochs since the lowest loss */
} ls_rate_plan;

static inline bool ls_same_factors(ls_rate_factors a, ls_rate_factors b)
{
    return a.plateau == b.plateau && a.halved == b.halved;
}

void ls_rate_plan_init(ls_rate_plan *plan, const ls_settings *settings, uint64_t steps_per_epoch);
/* Learning rate of a step, counted from 0. */
double ls_rate_at(const ls_rate_plan *plan, uint64_t step);
/* The scalars of that step that the optimizers need. */
ls_rates ls_rates_at(const ls_rate_plan *plan, uint64_t step);
/* Reports the loss of an epoch, after each epoch; only `plateau` uses it. */
void ls_rate_plan_epoch(ls_rate_plan *plan, double loss);

#endif
