/* SPDX-License-Identifier: MIT */
/* Scores trials whose trainings are complete. */
#ifndef LS_SCORING_H
#define LS_SCORING_H

#include "host/search/types.h"

/* Evaluates all trainings of a trial on their held-out rows. If one of them diverged, or its loss
 * on these rows is NaN, so did the trial. */
ls_status ls_search_score(ls_search *search, size_t trial, size_t rung, ls_error *err);

#endif
