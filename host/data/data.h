/* SPDX-License-Identifier: MIT */
#ifndef LS_DATA_H
#define LS_DATA_H

#include "host/data/columns.h"
#include "host/data/missing.h"

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

/* Describes the data's columns, taking over the description even where this fails, and names the
 * features after it. */
ls_status ls_data_describe_columns(ls_data *data, ls_column *column, ls_error *err);
/* Forgets categories that no row has. */
ls_status ls_data_narrow(ls_data *data, ls_error *err);

/* An object of that shape with zeroed arrays and default names: features "x1".."xN", target
 * "class", classes "0".."K-1". labelled: whether y is there. */
ls_status ls_data_create(size_t rows, size_t features, size_t classes, bool labelled, ls_data **out,
                         ls_error *err);

#endif
