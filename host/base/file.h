/* SPDX-License-Identifier: MIT */
/* Reads whole files; writes files completely or not at all, at once or piece by piece. */
#ifndef LS_FILE_H
#define LS_FILE_H

#include "host/base/error.h"

/* Writes size bytes to path through a temporary file in the same folder, fsync and rename, so that
 * path is either completely written or unchanged. path "-" is standard output. */
ls_status ls_write_file(const char *path, const void *bytes, size_t size, ls_error *err);

/* A file that is written piece by piece. It lies in a temporary file in the same folder until
 * ls_sink_finish gives it its name. Standard output ("-"), devices and pipes get each piece at
 * once. */
typedef struct ls_sink ls_sink;

/* path must outlive the sink. */
ls_status ls_sink_open(const char *path, ls_sink **out, ls_error *err);
ls_status ls_sink_write(ls_sink *sink, const void *bytes, size_t size, ls_error *err);
/* Path of the temporary file, or NULL if there is none. */
const char *ls_sink_temporary(const ls_sink *sink);
/* Completes the file, or on failure leaves what was at its path. Frees the sink in any case. */
ls_status ls_sink_finish(ls_sink *sink, ls_error *err);
/* Frees the sink without completing it, and removes the temporary file. */
void ls_sink_drop(ls_sink *sink);

/* Opens a file or a pipe for reading, as the user named it. *size: the size of a file, 0 for a
 * pipe. */
ls_status ls_open_file(const char *path, int *file, size_t *size, ls_error *err);

/* The same for a file that the user did not name, such as one in a run folder of somebody else: a
 * pipe is refused, too, and never waited for. */
ls_status ls_open_regular(const char *path, int *file, size_t *size, ls_error *err);

/* The same for standard input, which may also be a terminal or a socket. *file is a copy, which the
 * caller closes. */
ls_status ls_open_stdin(int *file, size_t *size, ls_error *err);

/* Reads a whole regular file and adds a NUL, which *size does not count. Freed with free(). */
ls_status ls_read_file(const char *path, char **bytes, size_t *size, ls_error *err);
/* The same for a file as for ls_open_regular. */
ls_status ls_read_regular(const char *path, char **bytes, size_t *size, ls_error *err);

/* Reads up to `most` bytes; *size is less only at the end. path is for messages. */
ls_status ls_read_some(int file, const char *path, char *bytes, size_t most, size_t *size,
                       ls_error *err);

#endif
