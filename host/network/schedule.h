/* SPDX-License-Identifier: MIT */
#ifndef LS_SCHEDULE_H
#define LS_SCHEDULE_H

#include "host/network/optimizer.h"
#include "host/network/settings.h"

/* The learning rate over a run. It is a function of the step number, except that `plateau` also
 * depends on the losses. The settings must outlive the plan. */
typedef struct {
    const ls_settings *settings;
    uint64_t steps_per_epoch;
    double plateau;  /* factor that `plateau` has reached */
    double best;     /* lowest loss so far, for `plateau` */
    uint64_t waited; /* number of epochs since the lowest loss */
} ls_rate_plan;

void ls_rate_plan_init(ls_rate_plan *plan, const ls_settings *settings, uint64_t steps_per_epoch);
/* Learning rate of a step, counted from 0. */
double ls_rate_at(const ls_rate_plan *plan, uint64_t step);
/* The scalars of that step that the optimizers need. */
ls_rates ls_rates_at(const ls_rate_plan *plan, uint64_t step);
/* Reports the loss of an epoch, after each epoch; only `plateau` uses it. */
void ls_rate_plan_epoch(ls_rate_plan *plan, double loss);

#endif
