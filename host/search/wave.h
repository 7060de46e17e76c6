/* SPDX-License-Identifier: MIT */
/* A wave: trials that train side by side. */
#ifndef LS_WAVE_H
#define LS_WAVE_H

#include "host/search/types.h"

/* Trains `count` trials up to the end of a rung, scores those that complete it, and frees the
 * trainings of trials that cannot go on. */
ls_status ls_search_run_wave(ls_search *search, const size_t *wave, size_t count, size_t rung,
                             ls_fleet_callback callback, void *user, ls_error *err);

#endif
