/* SPDX-License-Identifier: MIT */
/* Data sets in memory. */
#ifndef LS_DATA_H
#define LS_DATA_H

#include "host/data/apart.h"
#include "host/data/columns.h"
#include "host/data/kept.h"
#include "host/data/missing.h"

/* More classes or targets than this, from a program's arrays, are taken for a mistake: each needs a
 * name, and each output weights. */
enum { LS_MOST_CLASSES = 1 << 20 };

/* A data set: rows with their classes, numbers or labels. Owns all it points to. A cell is a
 * number, or a category number in a categorical column; NaN if the value is missing. Most data sets
 * are plain numbers without missing values: then `column` is NULL, and each cell is a feature. */
struct ls_data {
    size_t rows, classes;
    size_t columns;  /* columns of x */
    size_t features; /* network inputs: one per number; per categorical column one per category and
                        one for other values */
    float *x;        /* rows × columns; NULL if they are kept apart */
    int32_t *y;      /* [rows] class numbers, or NULL */
    char **feature_names; /* [features] */
    char **class_names;   /* [classes], sorted: by value if all are numbers, else by bytes */
    ls_column *column;    /* [columns], or NULL for plain numbers */
    ls_task task;
    size_t targets;    /* target columns: 1 for classes */
    ls_target *target; /* [targets], also if the rows have no targets */
    double *value;     /* rows × targets: numbers, or 0 and 1 for labels; NULL for classes, and for
                          rows without targets */
    double *weight;    /* [rows] weights in training, or NULL */
    int32_t *group;    /* [rows] group of each row, or NULL; splits keep groups together */
    ls_source source;
    ls_missing missing;
    char **note; /* [notes] what was assumed on reading, one sentence each */
    size_t notes;
    size_t dropped;  /* rows dropped by LS_MISSING_DROP */
    size_t *number;  /* of a part: number of each row in the file, from 0; NULL: rows `first`,
                        first + 1, … */
    size_t first;    /* number of the first row in the file, if `number` is NULL */
    ls_kept *kept;   /* columns as they stand in the file, or NULL */
    ls_apart *apart; /* the cells, if they are not in memory; or NULL */
    char *absent;    /* of a second file: which targets its header lacks, or NULL */
};

/* Rows [first, first + rows) of the data, whose arrays it shares: it is not freed. */
ls_data ls_data_block(const ls_data *data, size_t first, size_t rows);

/* Sets the description of the columns, which the data owns then, even if this fails, and names the
 * features after it. */
ls_status ls_data_describe_columns(ls_data *data, ls_column *column, ls_error *err);

/* Creates a data set with zeroed arrays and default names: features "x1".."xN", target "class",
 * classes "0".."K-1". labelled: with y. */
ls_status ls_data_create(size_t rows, size_t features, size_t classes, bool labelled, ls_data **out,
                         ls_error *err);
/* The same without room for cells. */
ls_status ls_data_create_apart(size_t rows, size_t features, size_t classes, bool labelled,
                               ls_data **out, ls_error *err);

#endif
