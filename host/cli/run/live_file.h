/* SPDX-License-Identifier: MIT */
/* A file that others may read while it is written: each write is unbuffered. */
#ifndef LS_CLI_LIVE_FILE_H
#define LS_CLI_LIVE_FILE_H

#include "host/base/error.h"
#include <stdbool.h>
#include <sys/types.h>

typedef struct {
    const char *path; /* for messages; not owned */
    int file;         /* descriptor + 1, so that a zeroed struct is a closed file */
    bool regular;     /* neither a pipe nor a device */
    off_t whole;      /* bytes of the records that are complete */
} live_file;

/* Opens the file and truncates it. fresh: fails if the file exists. Named pipes and devices are
 * opened as they are. */
ls_status live_file_open(live_file *s, const char *path, bool fresh, ls_error *err);
/* Writes one record. If that fails part-way (a full disk), a regular file loses the part again. */
ls_status live_file_write(live_file *s, const void *bytes, size_t size, ls_error *err);
/* Closes the file, which is on disk then. Does nothing if the file is closed. */
ls_status live_file_close(live_file *s, ls_error *err);

#endif
