/* SPDX-License-Identifier: MIT */
/* Search over options. A search is a function of the data, the space and its settings: neither the
 * device nor the order in which trainings end changes a bit of the result.
 *
 * A search is a list of trials with what is known of each. The next wave of trainings follows from
 * that list alone, so a search can be stopped and resumed anywhere. Trainings that are then no
 * longer in memory are repeated, to the same bits. */
#ifndef LS_SEARCH_H
#define LS_SEARCH_H

#include "host/search/types.h"

extern const char *const ls_strategy_names[]; /* by ls_strategy; NULL-terminated */
extern const ls_search_settings ls_search_defaults;

/* Chooses the trials and splits the rows into parts; data and space must outlive the search.
 * Errors: LS_ERR_ARGUMENT for settings that do not fit each other or the data, and if no trial's
 * options fit together. */
ls_status ls_search_create(const ls_space *space, const ls_search_settings *how,
                           const ls_data *data, ls_search **out, ls_error *err);
void ls_search_free(ls_search *search);

/* Prepares to train on a device, which must outlive the search. */
ls_status ls_search_start(ls_search *search, ls_device *device, ls_error *err);

/* Trains and scores the next wave of trials; *finished: none is left. The callback may stop the
 * wave: trials whose trainings are complete then count, the others train in a later wave. */
ls_status ls_search_step(ls_search *search, ls_fleet_callback callback, void *user, bool *finished,
                         ls_error *err);

#endif
