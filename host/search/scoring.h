/* SPDX-License-Identifier: MIT */
/* Scores trials whose trainings are complete. */
#ifndef LS_SCORING_H
#define LS_SCORING_H

#include "host/search/types.h"

/* Opens what evaluates models, on up to that many threads. Each has a device of its own: one model
 * takes 0.01 to 3 ms (5 to 64 features, up to 1000 rows), too little to share among threads. */
ls_status ls_scorers_open(unsigned threads, struct ls_scorers **out, ls_error *err);
void ls_scorers_close(struct ls_scorers *scorers);

/* Evaluates all trainings of some trials on their held-out rows. If one of a trial diverged, or its
 * loss on these rows is NaN, so did the trial. No score depends on the number of threads. */
ls_status ls_search_score(ls_search *search, const size_t *trials, size_t count, size_t rung,
                          ls_error *err);

#endif
