/* SPDX-License-Identifier: MIT */
/* The networks of one trial again, each trained without one of the parts. */
#ifndef LS_SEARCH_OUT_OF_FOLD_H
#define LS_SEARCH_OUT_OF_FOLD_H

#include "host/search/types.h"

/* Trains the networks that gave a trial its scores, of the first seed, to the same bits: model[k]
 * is the one that has not seen held[k]. model: [parts], which the caller frees, also after a
 * failure. If the callback stops the training, those that have not ended are NULL. */
ls_status ls_search_out_of_fold(ls_search *search, size_t trial, ls_fleet_callback callback,
                                void *user, ls_model **model, ls_error *err);

#endif
