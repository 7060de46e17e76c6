/* SPDX-License-Identifier: MIT */
/* Rounds: each member on the device gets a slice of about the same time. A round is one or more
 * calls to the backend. */
#ifndef LS_FLEET_ROUND_H
#define LS_FLEET_ROUND_H

#include "host/training/fleet_state.h"

/* Estimated cost of one step of a member. */
double ls_round_step_cost(const ls_trainer *trainer);

/* Plans the next round: fills fleet->slices with those of members that have steps to run. */
ls_status ls_round_plan(ls_fleet *fleet, size_t *count, ls_error *err);

/* Number of the next slices that make one call: those of one table, as many as a call should take.
 * *steps: theirs together. */
size_t ls_round_slices_of_call(const ls_fleet *fleet, const ls_slice *slices, size_t count,
                               size_t *steps);

/* What a round has done. */
typedef struct {
    uint64_t steps;
    double cost;
    bool changed; /* members have come to their ends or goals */
} ls_round_result;

/* Makes one call to the backend and looks at its losses; adds to *done. */
ls_status ls_round_call(ls_fleet *fleet, const ls_slice *slices, size_t count, size_t steps,
                        ls_round_result *done, ls_error *err);

#endif
