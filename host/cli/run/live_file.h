/* SPDX-License-Identifier: MIT */
/* A file that is written bit by bit while others may read it: each write has arrived when the call
 * returns. */
#ifndef LS_CLI_LIVE_FILE_H
#define LS_CLI_LIVE_FILE_H

#include "host/base/error.h"
#include <stdbool.h>

typedef struct {
    const char *path; /* for messages; not owned */
    int file;         /* descriptor plus one, so that zero stands for a closed one */
} live_file;

/* Begins the file anew. fresh: fails where there is one already. A named pipe or a device is
 * written to as it is. */
ls_status live_file_open(live_file *s, const char *path, bool fresh, ls_error *err);
ls_status live_file_write(live_file *s, const void *bytes, size_t size, ls_error *err);
/* Closing a closed one does nothing. */
ls_status live_file_close(live_file *s, ls_error *err);

#endif
