/* SPDX-License-Identifier: MIT */
/* Selects rows: by marks, a part of each class, a sample, folds for cross-validation. */
#ifndef LS_SPLIT_H
#define LS_SPLIT_H

#include "host/data/data.h"

/* ls_data_split. Groups of rows stay together (host/data/deal.h). Rows without classes are split
 * without regard to their targets. all_categories: both parts keep all categories of the whole;
 * otherwise each keeps those it has. */
ls_status ls_data_cut(const ls_data *data, double fraction, uint64_t seed, bool all_categories,
                      ls_data **rest, ls_data **part, ls_error *err);

/* Number of rows of the largest class, at most `enough` (which is also the result if memory runs
 * out); of all rows without classes. */
size_t ls_data_largest_class(const ls_data *data, size_t enough);

/* `share`, or the least share that takes a row of the largest class if that is more: a share that
 * nobody asked for must not fail on few rows. */
double ls_data_usable_share(const ls_data *data, double share);

/* Number of rows of *rest after the same cut. */
ls_status ls_data_cut_rows(const ls_data *data, double fraction, uint64_t seed, size_t *rest,
                           ls_error *err);

/* The rows whose mark is `wanted`, in their order, with the categories that occur in them. */
ls_status ls_data_pick(const ls_data *data, const bool *marks, bool wanted, ls_data **out,
                       ls_error *err);

/* About `most` rows, evenly spaced among those of each class, at least one per class. *out is NULL
 * if the data has no more rows than that. */
ls_status ls_data_thin(const ls_data *data, size_t most, ls_data **out, ls_error *err);

/* Draws `count` rows without replacement, all with the same probability; they keep their order, and
 * the names of all classes. The seed decides the rows. *out is NULL if the data has no more rows
 * than that. Errors: LS_ERR_ARGUMENT for a count of 0. */
ls_status ls_data_sample(const ls_data *data, size_t count, uint64_t seed, ls_data **out,
                         ls_error *err);

/* Cuts out one fold of `folds`, with all categories on both sides; and the number of other rows.
 * Errors: as ls_data_folds. */
ls_status ls_data_cut_fold(const ls_data *data, size_t number, size_t folds, uint64_t seed,
                           ls_data **rest, ls_data **part, ls_error *err);
ls_status ls_data_fold_rows(const ls_data *data, size_t number, size_t folds, uint64_t seed,
                            size_t *rest, ls_error *err);

/* fold[rows] = number of the fold of each row, for cross-validation. Folds have the same size and
 * the same share of each class, up to one row; groups of rows stay together (host/data/deal.h). The
 * seed decides the rows. Errors: LS_ERR_ARGUMENT unless 2 <= folds <= rows, and for fewer groups
 * than folds. */
ls_status ls_data_folds(const ls_data *data, size_t folds, uint64_t seed, uint32_t *fold,
                        ls_error *err);

#endif
