/* SPDX-License-Identifier: MIT */
/* The bytes of a file in order, unpacked where it is gzip: what readers of formats read from. */
#ifndef LS_STREAM_H
#define LS_STREAM_H

#include "host/base/error.h"

typedef struct ls_stream ls_stream;

/* Opens a file or a pipe. path must outlive the stream. */
ls_status ls_stream_open(const char *path, ls_stream **out, ls_error *err);
/* The same of bytes in memory, which must outlive it, too; path is for messages. */
ls_status ls_stream_of(const char *path, const char *bytes, size_t size, ls_stream **out,
                       ls_error *err);
void ls_stream_close(ls_stream *stream);

/* The first bytes, 16 or all there are; they are still to be read. */
enum { LS_STREAM_HEAD = 16 };
ls_status ls_stream_head(ls_stream *stream, const char **bytes, size_t *count, ls_error *err);

/* Reads what there is for to[room], room > 0. *count is 0 at the end and nowhere else. */
ls_status ls_stream_read(ls_stream *stream, char *to, size_t room, size_t *count, ls_error *err);

/* All that is left, with a NUL behind it (not counted in *size). Freed with free(). Errors:
 * LS_ERR_MEMORY beyond ls_most_bytes. */
ls_status ls_stream_rest(ls_stream *stream, char **bytes, size_t *size, ls_error *err);

/* Bytes of the file as it lies on the disk, 0 for a pipe, and which share of them has been read. */
size_t ls_stream_size(const ls_stream *stream);
double ls_stream_share(const ls_stream *stream);

#endif
