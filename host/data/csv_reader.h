/* SPDX-License-Identifier: MIT */
/* Splits CSV text into records and fields. The text is read through a window, which grows only if a
 * record is longer. The first bytes are kept ahead of the window, so that the first records can be
 * looked at before they are read (csv_sample.h). */
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
    char *ahead; /* first bytes of the stream, or NULL; those from ahead_at are not in the window */
    size_t ahead_at, ahead_count;
    bool ahead_ended;   /* they are the whole stream */
    size_t ahead_lines; /* line ends among them */
    size_t sample_rows; /* records to judge the layout by; 0: default */
    char *text;         /* the window: `capacity` bytes */
    size_t capacity;
    size_t passed;    /* bytes of the stream up to `end` */
    char *at, *end;   /* unread part of the window; *end is a NUL */
    bool ended;       /* the window holds the end of the stream */
    bool complete;    /* the record that is parsed ends before `at` */
    bool begun;       /* a record has been read: below it, no line is a comment */
    size_t hash_line; /* from this line on, none is a comment; 0: as `begun` says */
    char separator;   /* ' ': any number of blanks and tabs */
    char declared;    /* by a line "sep=;" above the first record, or 0 */
    size_t line;      /* line number of `at`, from 1 */
    /* The last record. */
    ls_csv_field *fields;
    size_t count, room;
    size_t record_line; /* line number of its start */
    /* The last comment, behind its #; NULL if there was none. Valid while the window stays. */
    const char *comment;
    size_t comment_line;
} ls_csv_reader;

/* Starts reading a stream: skips a byte order mark and a line "sep=;", and refuses
 * binary data. The caller sets the separator. window: bytes read at a time; sample_rows: as in
 * the reader; 0: default. The reader is closed with ls_csv_close, also if this fails. */
ls_status ls_csv_open(ls_csv_reader *reader, const char *path, ls_stream *stream, size_t window,
                      size_t sample_rows, ls_error *err);
void ls_csv_close(ls_csv_reader *reader);

/* Reads ahead: at least this number of bytes, or all there are. Only before the first record. */
ls_status ls_csv_look(ls_csv_reader *reader, size_t bytes, ls_error *err);

/* A reader of `size` bytes of text, which it changes, and which end with a NUL: it ends behind the
 * last complete record, or with the text if `ended` says that this is the end of the file. line:
 * number of its first line. Closed with ls_csv_close, which leaves the text. */
ls_csv_reader ls_csv_reader_of(const char *path, char *text, size_t size, bool ended,
                               char separator, size_t line);

/* Reads the next record that is not blank. Lines above the first record that begin with # are
 * comments. *found is false at the end of the stream. The fields are valid until the next call. */
ls_status ls_csv_next(ls_csv_reader *reader, bool *found, ls_error *err);

/* Where the next record begins, or blank lines before it, in bytes of the stream. */
size_t ls_csv_place(const ls_csv_reader *reader);
/* Goes on there, on line `line`; not before the first record. The stream is a plain file. */
ls_status ls_csv_seek(ls_csv_reader *reader, size_t place, size_t line, ls_error *err);

/* Whether the next record may have to wait for a pipe. */
bool ls_csv_waits(const ls_csv_reader *reader);

#endif
