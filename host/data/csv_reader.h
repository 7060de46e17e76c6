/* SPDX-License-Identifier: MIT */
/* Cuts CSV text into records and fields. The text comes through a window, which grows only where a
 * record is longer. */
#ifndef LS_CSV_READER_H
#define LS_CSV_READER_H

#include "host/data/stream.h"

typedef struct {
    char *text; /* without blanks around it and without quotes; ends in a NUL */
    char *end;  /* the NUL */
    bool quoted,
        doubled; /* doubled: while it is being read, it has quotes that stand for one each */
} ls_csv_field;

typedef struct {
    const char *path; /* for messages */
    ls_stream *stream;
    size_t window; /* bytes to read at a time */
    char *text;    /* what is at hand, `capacity` bytes */
    size_t capacity;
    char *at, *end; /* what is left of it; *end is a NUL */
    bool ended;     /* nothing follows it */
    char separator;
    size_t line; /* of `at`, from 1 */
    /* The record read last. */
    ls_csv_field *fields;
    size_t count, room;
    size_t record_line; /* where it starts */
} ls_csv_reader;

/* Starts on a stream: skips a byte order mark, refuses what is not text and finds the separator.
 * window: bytes to read at a time, 0: as is good. The reader is closed with ls_csv_close, also
 * where this fails. */
ls_status ls_csv_open(ls_csv_reader *reader, const char *path, ls_stream *stream, size_t window,
                      ls_error *err);
void ls_csv_close(ls_csv_reader *reader);

/* Reads the next record that is neither blank nor a comment (#); *found is false at the end. Fields
 * are valid until the next call. */
ls_status ls_csv_next(ls_csv_reader *reader, bool *found, ls_error *err);

#endif
