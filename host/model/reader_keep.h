/* SPDX-License-Identifier: MIT */
/* Columns that a reader of rows passes through: block->kept. */
#ifndef LS_READER_KEEP_H
#define LS_READER_KEEP_H

#include "host/base/error.h"

/* Keeps further columns of a list, or "all"; before the first block is read. option: its name, for
 * messages. Errors: LS_ERR_ARGUMENT for columns that are not there, or if the file is no text. */
ls_status ls_reader_keep(ls_reader *reader, const char *option, const char *list, ls_error *err);

/* How many are kept, and the name of each: that of the header, or "x1" for the first column. */
size_t ls_reader_kept(const ls_reader *reader);
const char *ls_reader_kept_name(const ls_reader *reader, size_t i, char storage[32]);

#endif
