/* SPDX-License-Identifier: MIT */
/* Files that are no table of rows for this program, recognised by their contents. */
#ifndef LS_FOREIGN_H
#define LS_FOREIGN_H

#include "host/base/error.h"

/* Refuses such a file, with what to do. bytes: the first ones, decompressed; size: at least
 * LS_STREAM_HEAD of a longer file. path: for messages. */
ls_status ls_refuse_foreign(const char *path, const char *bytes, size_t size, ls_error *err);

#endif
