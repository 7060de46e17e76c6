/* SPDX-License-Identifier: MIT */
/* From the texts of a file's fields to cells, targets, weights and groups. */
#ifndef LS_CELLS_H
#define LS_CELLS_H

#include "host/data/table_builder.h"

/* Puts a field into the last row. column: of the file. quoted: it was written in quotes, so that
 * "NA" is a text. *again: the file is to be read again (see ls_builder_finish).
 * Errors: LS_ERR_DATA with file, line and column. */
ls_status ls_builder_add_field(ls_table_builder *table, size_t column, const char *text,
                               bool quoted, size_t line, bool *again, ls_error *err);

#endif
