/* SPDX-License-Identifier: MIT */
/* From the texts of a file's fields to cells, targets, weights and groups. */
#ifndef LS_CELLS_H
#define LS_CELLS_H

#include "host/data/table_builder.h"

/* As ls_builder_add_field, for all fields but the numbers that it puts in itself. */
ls_status ls_builder_add_other(ls_table_builder *table, size_t column, const char *text,
                               bool quoted, size_t line, bool *again, ls_error *err);

/* Puts a field into the last row. column: of the file. quoted: it was written in quotes, so that
 * "NA" is a text. *again: the file is to be read again (see ls_builder_finish).
 * Errors: LS_ERR_DATA with file, line and column. */
static inline ls_status ls_builder_add_field(ls_table_builder *t, size_t column, const char *text,
                                             bool quoted, size_t line, bool *again, ls_error *err)
{
    double value;
    bool precise;
    ls_column_builder *plain = t->plain[column];
    if (plain && ls_parse_digits(text, &value, &precise) &&
        ls_column_add_number(plain, t->data, value, precise, ls_builder_cell(t, column))) {
        if (fabs(value) >= 0x1p53) ls_column_watch_wide(plain, text, value);
        return LS_OK;
    }
    return ls_builder_add_other(t, column, text, quoted, line, again, err);
}

#endif
