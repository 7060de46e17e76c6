/* SPDX-License-Identifier: MIT */
/* Event files as TensorBoard reads them: a scalar of each figure an epoch.
 *
 * A file is a list of records; each holds one protobuf message of type Event
 * (tensorflow/core/util/event.proto):
 *
 *   length, 8 bytes | masked CRC-32C of these 8 | message, length bytes | masked CRC-32C of the
 * message      all little-endian
 *
 * Three messages of five fields are written by hand here: a protobuf library would bring a code
 * generator for them. */
#ifndef LS_CLI_EVENT_FILE_H
#define LS_CLI_EVENT_FILE_H

#include "host/base/text.h"
#include "host/cli/run/live_file.h"

typedef struct {
    ls_text path;
    live_file file;
} event_file;

/* A new file in the folder, which is made where it is missing (but not the folders it lies in). */
ls_status event_file_open(event_file *events, const char *folder, ls_error *err);
/* loss, validation_loss (where there is one) and lr at step p->epoch. state: an event_file. */
ls_status event_file_epoch(void *state, const ls_progress *p, ls_error *err);
ls_status event_file_close(event_file *events, ls_error *err);

/* ---- For the tests --------------------------------------------------------------------------- */

enum { EVENT_MOST = 256 }; /* bytes of a record at most */

/* CRC-32C (Castagnoli; RFC 3720, appendix B.4). */
uint32_t event_crc32c(const void *bytes, size_t size);
/* The records: which version the file is of, and one epoch. time: seconds since 1970. They return
 * their size. */
size_t event_version(double time, unsigned char out[EVENT_MOST]);
size_t event_epoch(double time, const ls_progress *p, unsigned char out[EVENT_MOST]);

#endif
