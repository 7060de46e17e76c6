/* SPDX-License-Identifier: MIT */
/* Which trials a search consists of. */
#ifndef LS_CHOOSE_H
#define LS_CHOOSE_H

#include "host/search/types.h"

/* Fills the list of trials: all grid points, or different random points (fewer than asked for if
 * the space has no more). Errors: LS_ERR_ARGUMENT if there would be too many. */
ls_status ls_search_choose_trials(ls_search *search, ls_error *err);

/* Refuses trials whose options do not fit together or do not fit the training rows, as far as that
 * shows without training. Errors: LS_ERR_ARGUMENT if no trial is left. */
ls_status ls_search_refuse_unfit(ls_search *search, ls_error *err);

#endif
