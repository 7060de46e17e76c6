/* SPDX-License-Identifier: MIT */
/* Columns of a CSV file while their kind is still being found out. */
#ifndef LS_CSV_COLUMNS_H
#define LS_CSV_COLUMNS_H

#include "host/data/csv_parse.h"
#include "host/data/data.h"
#include "host/data/names.h"

typedef struct {
    bool categorical;      /* said to be so; otherwise it is found out */
    ls_csv_labels *labels; /* of its texts, or NULL */
    size_t numbers, texts, gaps;
    size_t line; /* of its first text, and that text */
    ls_csv_excerpt text;
} ls_csv_column;

/* Whether text looks like a date, with a time behind it or not: 2024-03-31, 31.3.2024, 3/31/24. */
bool ls_csv_is_date(const char *text);

/* A cell of text: its number as a NaN that is no gap, until the column's kind is known. false:
 * there are too many different texts. */
bool ls_csv_column_add(ls_csv_column *column, const char *text, size_t line, float *cell);

/* Settles what column c of the data is, by what was found in it: cells of text become numbers of
 * categories. label: for messages. */
ls_status ls_csv_column_settle(ls_csv_column *column, const char *path, const char *label,
                               ls_data *data, size_t c, ls_column *out, ls_error *err);
/* What ends the reading of a column with too many different texts. */
ls_status ls_csv_column_too_many(const ls_csv_column *column, const char *path, const char *label,
                                 ls_error *err);

void ls_csv_column_free(ls_csv_column *column);

#endif
