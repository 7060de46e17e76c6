/* SPDX-License-Identifier: MIT */
/* The stages of a search. */
#ifndef LS_RUNGS_H
#define LS_RUNGS_H

#include "host/search/types.h"

/* Rungs of successive halving for this number of trials and epochs; returns their number, at most
 * LS_MOST_RUNGS. */
size_t ls_halving(size_t trials, uint64_t epochs, size_t eta, ls_rung *rung);

/* Sets the search's rungs: one, or those of halving. */
void ls_search_choose_rungs(ls_search *search);

/* Trials for the next wave on a rung, written to the front of `order`, which holds the ranking.
 * Returns their number, 0 if the rung is complete. */
size_t ls_search_next_wave(const ls_search *search, size_t rung, size_t *order);

#endif
