/* SPDX-License-Identifier: MIT */
/* Which of several ways is the fastest for one kind of call: each is tried on the first steps of
 * the run itself, then the fastest is kept. A trial is a function of the seconds that it is told.
 *
 * A way is first run for one step that does not count, since it may build programs or fill caches.
 * It is then run for 1, 4, 16, … steps until these took some milliseconds in all; the least time
 * per step counts. A way that takes twice as long per step as the best known is given up at once.
 */
#ifndef LS_WAY_TRIAL_H
#define LS_WAY_TRIAL_H

#include "host/opencl/cl_way.h"

typedef struct {
    double least[LS_CL_WAY_COUNT];   /* seconds per step; 0: not measured */
    double seconds[LS_CL_WAY_COUNT]; /* of all measured steps */
    bool warm[LS_CL_WAY_COUNT];      /* has run once */
    bool done[LS_CL_WAY_COUNT];      /* measured, given up, or unable */
    uint64_t next_steps[LS_CL_WAY_COUNT];
} ls_way_trial;

/* What to run next. */
typedef struct {
    ls_cl_way_id way;
    uint64_t steps; /* at most; UINT64_MAX if there is nothing to measure */
} ls_way_turn;

/* able: the ways that can run the call now, at least one. */
ls_way_turn ls_way_trial_next(const ls_way_trial *trial, const bool able[LS_CL_WAY_COUNT]);
/* After a turn: `steps` steps took `seconds`. */
void ls_way_trial_note(ls_way_trial *trial, ls_cl_way_id way, uint64_t steps, double seconds);
/* A step in this way takes at least so many seconds: it is given up without having run if that is
 * hopeless beside the best known. */
void ls_way_trial_expect(ls_way_trial *trial, ls_cl_way_id way, double least_seconds);

#endif
