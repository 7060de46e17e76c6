/* SPDX-License-Identifier: MIT */
/* Event files for TensorBoard: one scalar per metric and epoch.
 *
 * A file is a list of records; each holds one protobuf message of type Event
 * (tensorflow/core/util/event.proto):
 *
 *   length (8 bytes) | masked CRC-32C of the length | message | masked CRC-32C of the message
 *
 * Numbers are little-endian.
 *
 * The three message types have five fields in total, so they are written by hand; a protobuf
 * library would add a code generator to the build. */
#ifndef LS_CLI_EVENT_FILE_H
#define LS_CLI_EVENT_FILE_H

#include "host/base/text.h"
#include "host/cli/run/live_file.h"

typedef struct {
    ls_text path;
    live_file file;
} event_file;

/* Opens a new file in the folder. The folder is created if it does not exist, its parents are not.
 */
ls_status event_file_open(event_file *events, const char *folder, ls_error *err);
/* Writes loss, lr, and validation_loss and validation_accuracy if there are validation rows, at
 * step p->epoch. state: an event_file. */
ls_status event_file_epoch(void *state, const ls_progress *p, ls_error *err);
ls_status event_file_close(event_file *events, ls_error *err);

/* ---- For the tests --------------------------------------------------------------------------- */

enum { EVENT_MOST = 256 }; /* maximum size of a record in bytes */

/* CRC-32C (Castagnoli; RFC 3720, appendix B.4). */
uint32_t event_crc32c(const void *bytes, size_t size);
/* Build the record of the file version and the record of one epoch, and return its size. time:
 * seconds since 1970. */
size_t event_version(double time, unsigned char out[EVENT_MOST]);
size_t event_epoch(double time, const ls_progress *p, unsigned char out[EVENT_MOST]);

#endif
