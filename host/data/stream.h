/* SPDX-License-Identifier: MIT */
/* The bytes of a file in order, decompressed if it is gzip. All readers of formats read from a
 * stream. */
#ifndef LS_STREAM_H
#define LS_STREAM_H

#include "host/base/error.h"

typedef struct ls_stream ls_stream;

/* Opens a file or a pipe; "-" is standard input, which stays open at the end. path must outlive the
 * stream. */
ls_status ls_stream_open(const char *path, ls_stream **out, ls_error *err);
/* A path of several files (host/data/parts.h) gives their bytes one after the other, each ended by
 * a line end. */

/* The same for bytes in memory, which must outlive the stream, too. path is for messages. */
ls_status ls_stream_of(const char *path, const char *bytes, size_t size, ls_stream **out,
                       ls_error *err);
void ls_stream_close(ls_stream *stream);

/* Prepares for ls_stream_rewind before anything is read: a pipe then keeps what is read from it. */
void ls_stream_keep(ls_stream *stream);
/* Starts again from the first byte. */
ls_status ls_stream_rewind(ls_stream *stream, ls_error *err);

/* The first bytes of the content: at least LS_STREAM_HEAD, or all if there are fewer or a text
 * comes from a pipe; at most LS_STREAM_HEAD_MOST. They stay unread. Errors: LS_ERR_ARGUMENT after a
 * read.
 */
enum { LS_STREAM_HEAD = 16, LS_STREAM_HEAD_MOST = 512 };
ls_status ls_stream_head(ls_stream *stream, const char **bytes, size_t *count, ls_error *err);

/* Reads at most room > 0 bytes. *count is 0 at the end of the stream, and only there. */
ls_status ls_stream_read(ls_stream *stream, char *to, size_t room, size_t *count, ls_error *err);

/* What is left, up to `most` bytes, with a NUL behind it (not counted in *size). Freed with free().
 * Errors: LS_ERR_MEMORY beyond ls_most_bytes. */
ls_status ls_stream_rest(ls_stream *stream, size_t most, char **bytes, size_t *size, ls_error *err);

/* The bytes that the content has at most, for headers that promise more: the size of the file, or
 * what gzip can make of it; SIZE_MAX for a pipe. */
size_t ls_stream_bound(const ls_stream *stream);

/* Whether it is a pipe, a terminal or a socket, whose bytes come one after the other. */
bool ls_stream_is_pipe(const ls_stream *stream);
/* Whether it is a single file whose bytes are the content. */
bool ls_stream_is_plain(const ls_stream *stream);
/* Goes on reading at a byte of a plain file. */
ls_status ls_stream_seek(ls_stream *stream, size_t byte, ls_error *err);
/* Whether a read would find bytes, or the end, without waiting. */
bool ls_stream_ready(const ls_stream *stream);

/* The same, but *count is 0 at the end of the first of several files, too, before another is begun.
 */
ls_status ls_stream_read_first(ls_stream *stream, char *to, size_t room, size_t *count,
                               ls_error *err);

/* Of several files: how many, the name of each, and the number of its first line in the stream, as
 * far as it has been read (0: not yet). One for a single file. */
size_t ls_stream_parts(const ls_stream *stream);
const char *ls_stream_part(const ls_stream *stream, size_t i, size_t *line);
/* Adds to a message that names a line which it is in its file. */
void ls_stream_explain(const ls_stream *stream, ls_error *err);

/* The name for messages: the path, or "standard input". */
const char *ls_stream_name(const char *path);

/* Size of the file on disk (compressed, if it is gzip; 0 for a pipe), and the fraction of it that
 * has been read (0-1). */
size_t ls_stream_size(const ls_stream *stream);
double ls_stream_share(const ls_stream *stream);

#endif
