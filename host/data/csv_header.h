/* SPDX-License-Identifier: MIT */
/* Whether a record names the columns, by the records below it. */
#ifndef LS_CSV_HEADER_H
#define LS_CSV_HEADER_H

#include "host/data/csv_sample.h"

/* What a field may be in a header. */
typedef enum {
    LS_FIELD_EMPTY,
    LS_FIELD_MARK,   /* stands for a missing value, or has neither letters nor digits */
    LS_FIELD_NUMBER, /* a plain number */
    LS_FIELD_DIGITS, /* begins with digits, after a sign at most: 1,5, $5, 2024-03-31, 3" */
    LS_FIELD_WORD
} ls_field_kind;
ls_field_kind ls_csv_field_kind(const ls_csv_field *field);

/* Whether text marks a missing value, wherever numbers are expected. */
bool ls_csv_is_mark(const char *text);

typedef struct {
    bool header;
    bool guess;  /* the other answer is possible, */
    bool likely; /* but this one is far more likely */
} ls_csv_verdict;

/* A record and the records below it. */
typedef struct {
    const ls_csv_field *field; /* [columns] */
    size_t columns;
    const ls_csv_sample *sample; /* below it: its records from `from` on */
    size_t from;
    size_t target;                  /* the column of the classes, or LS_NO_COLUMN */
    const char *const *class_names; /* [classes] known classes, or NULL */
    size_t classes;
} ls_csv_first;

/* Errors: LS_ERR_MEMORY. */
ls_status ls_csv_judge_header(const ls_csv_first *first, ls_csv_verdict *out, ls_error *err);

#endif
