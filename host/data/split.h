/* SPDX-License-Identifier: MIT */
/* Selections of rows: by marks, a part of each class, folds for cross-validation. */
#ifndef LS_SPLIT_H
#define LS_SPLIT_H

#include "host/data/data.h"

/* ls_data_split, whose parts know all categories of the whole where `wide`. */
ls_status ls_data_cut(const ls_data *data, double fraction, uint64_t seed, bool wide,
                      ls_data **rest, ls_data **part, ls_error *err);

/* The rows whose mark is `wanted`, in their order, and the categories that they have. */
ls_status ls_data_pick(const ls_data *data, const bool *marks, bool wanted, ls_data **out,
                       ls_error *err);

/* About `most` rows, evenly taken among those of each class, at least one of it; *out is NULL where
 * that is all of them. */
ls_status ls_data_thin(const ls_data *data, size_t most, ls_data **out, ls_error *err);

/* fold[rows]: the part of each row for cross-validation, below `folds`. Parts are equally large and
 * have their share of each class, to a row; which rows they get follows from the seed. */
ls_status ls_data_folds(const ls_data *data, size_t folds, uint64_t seed, uint32_t *fold,
                        ls_error *err);

#endif
