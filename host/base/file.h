/* SPDX-License-Identifier: MIT */
/* Reads whole files; writes files completely or not at all. */
#ifndef LS_FILE_H
#define LS_FILE_H

#include "host/base/error.h"

/* Writes size bytes to path through a temporary file in the same folder, fsync and rename, so that
 * path is either completely written or unchanged. path "-" is standard output. */
ls_status ls_write_file(const char *path, const void *bytes, size_t size, ls_error *err);

/* Opens a file or a pipe for reading. *size: the size of a file, 0 for a pipe. */
ls_status ls_open_file(const char *path, int *file, size_t *size, ls_error *err);

/* Reads a whole regular file and adds a NUL, which *size does not count. Freed with free(). */
ls_status ls_read_file(const char *path, char **bytes, size_t *size, ls_error *err);

#endif
