/* SPDX-License-Identifier: MIT */
/* A file that others may read while it is written: each write is unbuffered. */
#ifndef LS_CLI_LIVE_FILE_H
#define LS_CLI_LIVE_FILE_H

#include "host/base/error.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
    const char *path; /* for messages; not owned */
    int file;         /* descriptor + 1, so that a zeroed struct is a closed file */
    bool goes_on;     /* opened with LIVE_GO_ON, and not cut yet */
    bool gap;         /* lines of earlier epochs are missing */
    uint64_t epoch;   /* of the last line that live_file_reach was called for */
    bool regular;     /* neither a pipe nor a device */
    off_t whole;      /* bytes of the records that are complete */
} live_file;

/* NEW: fails if the file exists. REPLACE: truncates it. GO_ON: keeps what is there. */
typedef enum { LIVE_NEW, LIVE_REPLACE, LIVE_GO_ON } live_start;

/* Opens the file. Named pipes and devices are opened as they are. */
ls_status live_file_open(live_file *s, const char *path, live_start start, ls_error *err);
/* Before the line of an epoch: if epochs come again (a training is resumed, or a device has turned
 * out to be wrong), removes the lines from that epoch on, and one that is incomplete. usual: which
 * epochs have lines other than the last; NULL: all. */
ls_status live_file_reach(live_file *s, uint64_t epoch, bool (*usual)(uint64_t epoch),
                          ls_error *err);
/* Writes one record. If that fails part-way (a full disk), a regular file loses the part again. */
ls_status live_file_write(live_file *s, const void *bytes, size_t size, ls_error *err);
/* Closes the file, which is on disk then. Does nothing if the file is closed. */
ls_status live_file_close(live_file *s, ls_error *err);
/* The last epoch that has a whole line; 0 if there is none, or no such file. */
uint64_t live_file_last_epoch(const char *path);
/* Whether no line of an earlier epoch was missing when the file was gone on with. */
ls_status live_file_check(const live_file *s, ls_error *err);

#endif
