/* SPDX-License-Identifier: MIT */
/* Splits CSV text into records and fields. The text is read through a window, which grows only if a
 * record is longer. */
#ifndef LS_CSV_READER_H
#define LS_CSV_READER_H

#include "host/data/stream.h"

typedef struct {
    char *text;           /* without surrounding blanks and quotes, NUL-terminated */
    char *end;            /* the NUL */
    bool quoted, doubled; /* while the record is parsed: contains doubled quotes */
} ls_csv_field;

typedef struct {
    const char *path; /* for messages */
    ls_stream *stream;
    size_t window; /* bytes to read at a time */
    char *text;    /* the window: `capacity` bytes */
    size_t capacity;
    char *at, *end; /* unread part of the window; *end is a NUL */
    bool ended;     /* the window holds the end of the stream */
    char separator;
    size_t line; /* line number of `at`, from 1 */
    /* The last record. */
    ls_csv_field *fields;
    size_t count, room;
    size_t record_line; /* line number of its start */
} ls_csv_reader;

/* Starts reading a stream: skips a byte order mark, refuses UTF-16 and binary data, and finds the
 * separator. window: bytes read at a time; 0: default. The reader is closed with ls_csv_close, also
 * if this fails. */
ls_status ls_csv_open(ls_csv_reader *reader, const char *path, ls_stream *stream, size_t window,
                      ls_error *err);
void ls_csv_close(ls_csv_reader *reader);

/* Reads the next record that is neither blank nor a comment (#). *found is false at the end of the
 * stream. The fields are valid until the next call. */
ls_status ls_csv_next(ls_csv_reader *reader, bool *found, ls_error *err);

/* Whether the next record may have to wait for a pipe. */
bool ls_csv_waits(const ls_csv_reader *reader);

#endif
