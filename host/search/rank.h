/* SPDX-License-Identifier: MIT */
/* The order of trials. */
#ifndef LS_RANK_H
#define LS_RANK_H

#include "host/search/types.h"

/* All trials, best first: by rung, then by the metric, then by number; diverged, refused and
 * waiting ones last. order: one entry per trial. */
ls_status ls_search_rank(const ls_search *search, size_t *order, ls_error *err);

/* Whether the trial has a finite score by the metric, which is defined on a part at least. Only
 * such a trial has a rank or can be the best. */
bool ls_search_has_score(const ls_search *search, const ls_trial *trial);

/* Number of trials with a result. */
size_t ls_search_count(const ls_search *search);

#endif
