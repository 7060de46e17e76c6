/* SPDX-License-Identifier: MIT */
#ifndef LS_DATA_H
#define LS_DATA_H

#include "host/base/error.h"

/* What becomes of missing values; the first is the default. */
typedef enum {
    LS_MISSING_MEAN,
    LS_MISSING_MEDIAN,
    LS_MISSING_MOST_FREQUENT,
    LS_MISSING_DROP,
    LS_MISSING_ERROR
} ls_missing;
extern const char *const ls_missing_names[]; /* NULL-terminated */

/* A column as its file has it. */
typedef struct {
    char *name;
    size_t place;     /* in the file, from 0 */
    bool categorical; /* its cells are numbers of categories */
    size_t categories;
    char **category; /* their names, sorted like class names */
} ls_column;

/* Rows with their classes. Owns all it points to. A cell is a number as it was read, or the number
 * of a category; NaN where it is missing. Most data are numbers without gaps: then `column` is
 * NULL, and a cell is a feature. */
struct ls_data {
    size_t rows, classes;
    size_t columns;       /* of x */
    size_t features;      /* inputs of a network: one a number, and one a category and one for other
                             values a categorical column */
    float *x;             /* rows × columns */
    int32_t *y;           /* rows class numbers, or NULL */
    char **feature_names; /* features names */
    char *target_name;    /* name of the class column, or NULL */
    char **class_names;   /* classes names; sorted: by value where all are numbers, else by bytes */
    ls_column *column;    /* columns, or NULL */
    size_t file_columns,
        file_target; /* how many columns their file has, and which is the class; with `column` */
    ls_missing missing;
    size_t dropped; /* rows that LS_MISSING_DROP took away */
    size_t *number; /* of parts: number of each row in what was read, from 0; NULL: they are all
                       there, in their order */
};

/* Inputs that columns become. */
size_t ls_columns_inputs(const ls_column *column, size_t count);
ls_status ls_columns_copy(const ls_column *from, size_t count, ls_column **to, ls_error *err);
void ls_columns_free(ls_column *column, size_t count);
/* Describes the data's columns, taking over the description even where this fails, and names the
 * features after it. */
ls_status ls_data_describe_columns(ls_data *data, ls_column *column, ls_error *err);
/* Forgets categories that no row has. */
ls_status ls_data_narrow(ls_data *data, ls_error *err);

/* ls_data_split, whose parts know all categories of the whole where `wide`. */
ls_status ls_data_cut(const ls_data *data, double fraction, uint64_t seed, bool wide,
                      ls_data **rest, ls_data **part, ls_error *err);

/* An object of that shape with zeroed arrays and default names: features "x1".."xN", target
 * "class", classes "0".."K-1". labelled: whether y is there. */
ls_status ls_data_create(size_t rows, size_t features, size_t classes, bool labelled, ls_data **out,
                         ls_error *err);

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
