/* SPDX-License-Identifier: MIT */
/* One trial: its options, and its end without a score. */
#ifndef LS_TRIAL_H
#define LS_TRIAL_H

#include "host/search/types.h"

/* Options of a trial's training, whose seed is the trial's plus `seed`. */
ls_status ls_search_options(const ls_search *search, size_t trial, size_t seed, ls_options **out,
                            ls_error *err);

/* The trial's status as tables and JSON have it: "done" (all rungs), "stopped" (at an earlier
 * rung), "diverged", "refused" or "waiting". */
const char *ls_trial_status(const ls_search *search, const ls_trial *trial);

/* Ends a trial without a score. rung: completed rungs. */
ls_status ls_trial_give_up(ls_trial *trial, ls_trial_state state, size_t rung, const char *reason,
                           ls_error *err);

/* Frees what a trial with `values` values owns. */
void ls_trial_clear(ls_trial *trial, size_t values);

#endif
