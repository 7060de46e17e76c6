/* SPDX-License-Identifier: MIT */
/* Reads rows block by block, in memory that does not depend on their number. What the columns are
 * is known beforehand (request->expected), so that each row is read as it would be read alone. */
#ifndef LS_ROW_READER_H
#define LS_ROW_READER_H

#include "host/data/request.h"

typedef struct ls_row_reader ls_row_reader;

/* Opens a file in any of the formats; "-" is standard input. Targets are not read. What path and
 * request point to must outlive the reader. request->expected must name features. */
ls_status ls_row_reader_open(const char *path, const ls_read_request *request, ls_row_reader **out,
                             ls_error *err);

/* Reads the next rows, at most `most` > 0. *out is NULL at the end. If a row cannot be read, the
 * rows before it are returned first, and the next call fails. */
ls_status ls_row_reader_next(ls_row_reader *reader, size_t most, ls_data **out, ls_error *err);

/* Columns that are passed through (host/model/reader_keep.h). */
ls_status ls_row_reader_keep(ls_row_reader *reader, const char *option, const char *list,
                             ls_error *err);
size_t ls_row_reader_kept(const ls_row_reader *reader);
const char *ls_row_reader_kept_name(const ls_row_reader *reader, size_t i, char storage[32]);

/* Fraction of the file that has been read (0-1); 0 if its size is unknown. */
double ls_row_reader_share(const ls_row_reader *reader);

void ls_row_reader_close(ls_row_reader *reader);

#endif
