/* SPDX-License-Identifier: MIT */
/* Descriptions of columns, for data that is more than plain numbers in the order of the file. */
#ifndef LS_COLUMNS_H
#define LS_COLUMNS_H

#include "host/data/source.h"

typedef struct {
    char *name;
    size_t place;     /* position in the file, from 0 */
    bool categorical; /* cells are category numbers */
    size_t categories;
    char **category; /* names of the categories, sorted like class names */
    /* Numbers only. */
    double offset; /* cells are value - offset, so that float32 keeps large values apart */
    ls_number_format format;
    char *mark; /* a text that marks a missing value in this column alone, or NULL */
} ls_column;

/* Number of network inputs that a column or columns become: one per number; for a categorical
 * column one per category and one for other values. */
size_t ls_column_inputs(const ls_column *column);
size_t ls_columns_inputs(const ls_column *column, size_t count);

/* names[ls_columns_inputs] = names of these inputs: "colour", or "colour=red" and "colour=(other)".
 * On failure the names made so far are left for the caller to free. */
ls_status ls_columns_name_inputs(const ls_column *column, size_t count, char **names,
                                 ls_error *err);

ls_status ls_columns_copy(const ls_column *from, size_t count, ls_column **to, ls_error *err);
void ls_columns_free(ls_column *column, size_t count);

#endif
