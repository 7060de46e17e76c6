/* SPDX-License-Identifier: MIT */
/* Cuts CSV text into records and fields, in place. */
#ifndef LS_CSV_PARSE_H
#define LS_CSV_PARSE_H

#include "common.h"

typedef struct {
    char *text; /* without blanks around it and without quotes; ends in a NUL */
    bool quoted;
} ls_csv_field;

typedef struct {
    const char *path; /* for messages */
    char *at, *end;   /* what is left of the text; *end is a NUL */
    char separator;
    size_t line; /* of `at`, from 1 */
    /* The record read last. */
    ls_csv_field *fields;
    size_t count, capacity;
    size_t record_line; /* where it starts */
} ls_csv_reader;

/* Starts on text (changed while reading; text[size] is a NUL): skips a byte order mark, refuses what is not text and
 * finds the separator. The caller frees reader->fields. */
ls_status ls_csv_open(ls_csv_reader *reader, const char *path, char *text, size_t size, ls_error *err);

/* Reads the next record that is neither blank nor a comment (#); *found is false at the end. Fields point into the text and stay valid. */
ls_status ls_csv_next(ls_csv_reader *reader, bool *found, ls_error *err);

/* The most records of `columns` fields that can be left. */
size_t ls_csv_most_records(const ls_csv_reader *reader, size_t columns);

/* Finite number that spans the field; false otherwise. */
bool ls_csv_number(const char *text, double *out);

/* Whether text stands for a missing value: nothing, ?, NA, N/A, NaN or null in any case. */
bool ls_csv_is_missing(const char *text);

/* At most 40 characters of text in a form fit for a message; control characters become '?'. */
typedef struct {
    char text[48];
} ls_csv_excerpt;
ls_csv_excerpt ls_csv_shorten(const char *text);

#endif
