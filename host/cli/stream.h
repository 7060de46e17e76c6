/* SPDX-License-Identifier: MIT */
/* A file that is written bit by bit while others may read it: each write has arrived when the call returns. */
#ifndef LS_CLI_STREAM_H
#define LS_CLI_STREAM_H

#include "../common.h"

typedef struct {
    const char *path; /* for messages; not owned */
    int file;         /* descriptor plus one, so that a zeroed stream is a closed one */
} stream;

/* Begins the file anew. fresh: fails where there is one already. A named pipe or a device is written to as it is. */
ls_status stream_open(stream *s, const char *path, bool fresh, ls_error *err);
ls_status stream_write(stream *s, const void *bytes, size_t size, ls_error *err);
/* Closing a closed stream does nothing. */
ls_status stream_close(stream *s, ls_error *err);

#endif
