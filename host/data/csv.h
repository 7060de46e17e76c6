/* SPDX-License-Identifier: MIT */
/* CSV: text with one record per line. */
#ifndef LS_CSV_H
#define LS_CSV_H

#include "host/data/request.h"
#include "host/data/stream.h"

/* Reads rows; path is for messages. */
ls_status ls_read_csv(const char *path, ls_stream *stream, const ls_read_request *request,
                      ls_data **out, ls_error *err);

#endif
