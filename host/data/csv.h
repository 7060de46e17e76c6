/* SPDX-License-Identifier: MIT */
/* CSV: text with one record per line. */
#ifndef LS_CSV_H
#define LS_CSV_H

#include "host/data/request.h"
#include "host/data/stream.h"

/* Reads rows; path is for messages. */
ls_status ls_read_csv(const char *path, ls_stream *stream, const ls_read_request *request,
                      ls_data **out, ls_error *err);

/* Rows for a model or like other rows (request->expected), block by block: ls_row_reader has the
 * rules. */
typedef struct ls_csv_rows ls_csv_rows;

/* What the arguments point to must outlive the rows. */
ls_status ls_csv_rows_open(const char *path, ls_stream *stream, const ls_read_request *request,
                           ls_csv_rows **out, ls_error *err);
/* Further columns to pass through (host/model/reader_keep.h). */
ls_status ls_csv_rows_keep(ls_csv_rows *rows, const char *option, const char *list, ls_error *err);
size_t ls_csv_rows_kept(const ls_csv_rows *rows);
const char *ls_csv_rows_kept_name(const ls_csv_rows *rows, size_t i, char storage[32]);
ls_status ls_csv_rows_next(ls_csv_rows *rows, size_t most, ls_data **out, ls_error *err);
void ls_csv_rows_close(ls_csv_rows *rows);

#endif
