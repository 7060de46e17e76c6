/* SPDX-License-Identifier: MIT */
#ifndef LS_DATA_H
#define LS_DATA_H

#include "common.h"

/* Rows of features with their classes. Owns all it points to. */
struct ls_data {
    size_t rows, features, classes;
    float *x;             /* rows × features */
    int32_t *y;           /* rows class numbers, or NULL */
    char **feature_names; /* features names */
    char *target_name;    /* name of the class column, or NULL */
    char **class_names;   /* classes names; sorted: by value where all are numbers, else by bytes */
};

/* An object of that shape with zeroed arrays and default names: features "x1".."xN", target "class", classes "0".."K-1".
 * labelled: whether y is there. */
ls_status ls_data_create(size_t rows, size_t features, size_t classes, bool labelled, ls_data **out, ls_error *err);

/* The rows whose mark is `wanted`, in their order. */
ls_status ls_data_pick(const ls_data *data, const bool *marks, bool wanted, ls_data **out, ls_error *err);

/* fold[rows]: the part of each row for cross-validation, below `folds`. Parts are equally large and have their share of each
 * class, to a row; which rows they get follows from the seed. */
ls_status ls_data_folds(const ls_data *data, size_t folds, uint64_t seed, uint32_t *fold, ls_error *err);

#endif
