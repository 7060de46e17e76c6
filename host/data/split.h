/* SPDX-License-Identifier: MIT */
/* Selects rows: by marks, a part of each class, folds for cross-validation. */
#ifndef LS_SPLIT_H
#define LS_SPLIT_H

#include "host/data/data.h"

/* ls_data_split. all_categories: both parts keep all categories of the whole; otherwise each keeps
 * those it has. */
ls_status ls_data_cut(const ls_data *data, double fraction, uint64_t seed, bool all_categories,
                      ls_data **rest, ls_data **part, ls_error *err);

/* The rows whose mark is `wanted`, in their order, with the categories that occur in them. */
ls_status ls_data_pick(const ls_data *data, const bool *marks, bool wanted, ls_data **out,
                       ls_error *err);

/* About `most` rows, evenly spaced among those of each class, at least one per class. *out is NULL
 * if the data has no more rows than that. */
ls_status ls_data_thin(const ls_data *data, size_t most, ls_data **out, ls_error *err);

/* fold[rows] = number of the fold of each row, for cross-validation. Folds have the same size and
 * the same share of each class, up to one row. The seed decides the rows. Errors: LS_ERR_ARGUMENT
 * unless 2 <= folds <= rows. */
ls_status ls_data_folds(const ls_data *data, size_t folds, uint64_t seed, uint32_t *fold,
                        ls_error *err);

#endif
