/* SPDX-License-Identifier: MIT */
/* Warming up a device for plans that it is to train: programs are built, ways of running the steps
 * are measured, buffers get their sizes. */
#ifndef LS_WARM_UP_H
#define LS_WARM_UP_H

#include "host/network/backend.h"
#include <stdatomic.h>

typedef struct {
    double step;   /* seconds of a step of a copy, the least; 0 if it failed */
    size_t copies; /* of the plan that ran side by side */
} ls_warm_speed;

/* Runs steps of up to `members` copies of the plan on zeros, in calls of growing length, until
 * nothing is built any more and steps become no faster, or until about `seconds` have gone into
 * steps; then infers. Ends early when *stop becomes true. Failures are no errors here: the training
 * will meet and report them. */
ls_warm_speed ls_warm_up(ls_backend *backend, const ls_plan *plan, size_t members, double seconds,
                         const atomic_bool *stop);

#endif
