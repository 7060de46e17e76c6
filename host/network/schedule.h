/* SPDX-License-Identifier: MIT */
#ifndef LS_SCHEDULE_H
#define LS_SCHEDULE_H

#include "host/network/optimizer.h"
#include "host/network/settings.h"

/* The learning rate over a run. Everything is computed from the step number, but for `plateau`,
 * which listens to losses. */
typedef struct {
    const ls_settings *settings;
    uint64_t steps_per_epoch;
    double plateau;  /* factor so far */
    double best;     /* lowest loss seen by plateau */
    uint64_t waited; /* epochs since */
} ls_rate_plan;

void ls_rate_plan_init(ls_rate_plan *plan, const ls_settings *settings, uint64_t steps_per_epoch);
double ls_rate_at(const ls_rate_plan *plan, uint64_t step);
/* The scalars of a step that the optimizers need. */
ls_rates ls_rates_at(const ls_rate_plan *plan, uint64_t step);
/* Told after each epoch; only plateau cares. */
void ls_rate_plan_epoch(ls_rate_plan *plan, double loss);

#endif
