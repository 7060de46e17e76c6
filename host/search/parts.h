/* SPDX-License-Identifier: MIT */
/* Which rows a search trains on, and which it scores on. */
#ifndef LS_PARTS_H
#define LS_PARTS_H

#include "host/search/types.h"

/* Splits the rows into folds, or into one training and one holdout part; groups of rows stay
 * together. Errors: LS_ERR_ARGUMENT for more folds than rows or groups. */
ls_status ls_search_split_rows(ls_search *search, ls_error *err);
void ls_search_free_parts(ls_search *search);

#endif
