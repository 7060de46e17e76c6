/* SPDX-License-Identifier: MIT */
/* Cells of the report's tables. */
#ifndef LS_CLI_REPORT_CELLS_H
#define LS_CLI_REPORT_CELLS_H

#include "host/base/text.h"
#include "host/include/lockstep.h"
#include <stdbool.h>

/* Begins a table with n headings; the first `texts` columns hold text, the others numbers. */
void report_head(ls_text *page, const char *const *head, size_t n, size_t texts);
void report_row_begin(ls_text *page);
void report_row_end(ls_text *page);

/* One cell: tag is "th" or "td"; numbers are aligned right. */
void report_cell(ls_text *page, const char *tag, bool number, const char *text);
void report_text(ls_text *page, const char *text);
/* A number; an empty cell for NaN. */
void report_number(ls_text *page, const char *format, double value)
    __attribute__((format(printf, 2, 0)));
/* The value of a row in column c: a number, a category's name, or an empty cell if missing. */
void report_value(ls_text *page, const ls_data *data, size_t row, size_t c);

enum { REPORT_COLUMNS = 6 };
/* Lists the first columns in which these rows differ, at most REPORT_COLUMNS; returns their number.
 */
size_t report_columns(const ls_data *data, const size_t *rows, size_t n,
                      size_t list[REPORT_COLUMNS]);

#endif
