/* SPDX-License-Identifier: MIT */
/* Collects the cells of one column, until it is known whether these are numbers or categories. */
#ifndef LS_COLUMN_BUILDER_H
#define LS_COLUMN_BUILDER_H

#include <math.h>

#include "host/data/data.h"
#include "host/data/dictionary.h"
#include "host/data/value.h"

typedef struct {
    bool categorical;                    /* required to be so; otherwise the cells decide */
    ls_dictionary *texts;                /* or NULL if there are none */
    size_t numbers, text_cells, missing; /* cells of each kind */
    size_t first_line;                   /* of the first text, and that text */
    ls_excerpt first_text;
} ls_column_builder;

static inline void ls_column_add_missing(ls_column_builder *column, float *cell)
{
    column->missing++;
    *cell = NAN;
}

/* false if the value is not finite as a 32-bit float. */
static inline bool ls_column_add_number(ls_column_builder *column, double value, float *cell)
{
    if (!ls_fits_float(value)) return false;
    column->numbers++;
    *cell = (float)value;
    return true;
}

/* The cell becomes a NaN that holds the number of the text, until ls_column_finish. false: there
 * are too many different texts (ls_column_too_many_texts), or memory has run out. */
bool ls_column_add_text(ls_column_builder *column, const char *text, size_t line, float *cell);

/* The error of a column with too many different texts. path, label: name the file and the column.
 */
ls_status ls_column_too_many_texts(const ls_column_builder *column, const char *path,
                                   const char *label, ls_error *err);

/* Decides what column c of the data is: if it has texts, its cells become category numbers.
 * Errors: LS_ERR_DATA for columns that are neither numbers nor categories. */
ls_status ls_column_finish(ls_column_builder *column, const char *path, const char *label,
                           ls_data *data, size_t c, ls_column *out, ls_error *err);

void ls_column_builder_free(ls_column_builder *column);

#endif
