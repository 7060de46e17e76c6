/* SPDX-License-Identifier: MIT */
/* How the file was read that data, or the training rows of a model, come from: what a second file
 * needs in order to be read in the same way. */
#ifndef LS_SOURCE_H
#define LS_SOURCE_H

#include "host/base/error.h"

#include <stdbool.h>

#define LS_NO_COLUMN SIZE_MAX

/* AUTO: the reader decides whether the first record names the columns. */
typedef enum { LS_HEADER_AUTO, LS_HEADER_YES, LS_HEADER_NO } ls_header;

/* How the numbers of a column are written: "$1.234,50" has prefix "$", thousands '.' and decimal
 * ','. Zero-initialised: with a decimal point and nothing else. */
typedef struct {
    char decimal;   /* ',' or 0 for a point */
    char thousands; /* a separator of thousands, or 0 for none */
    bool units;     /* numbers may have the prefix and the suffix, which are ignored */
    char prefix[8], suffix[16];
    char dates; /* 0, or an ls_date_order: they are dates, and nothing else is set */
} ls_number_format;

/* Dates are numbers of days since 1970-01-01, with a fraction for the time; times alone are hours.
 * Of 3/4/2024, the order in the file decides which is the day. */
typedef enum {
    LS_DATES_CLEAR = 'c', /* no date may be read in two ways */
    LS_DATES_DAY_FIRST = 'd',
    LS_DATES_MONTH_FIRST = 'm',
    LS_DATES_TIMES = 't', /* times alone */
    LS_DATES_OPEN = 'o'   /* while a file is read that has not decided yet */
} ls_date_order;

typedef struct {
    size_t columns;  /* of the file; 0: unknown, or the rows come from no file */
    bool header;     /* its first record named the columns */
    char found;      /* its separator; 0: it had none, or it is not known */
    size_t image[3]; /* channels, height and width of the image that a row is; or 0 */
    /* Options as the user gave them. */
    ls_header header_option;
    char separator; /* 0: found by the reader */
    char *marks;    /* further texts that mark a missing value, separated by commas, or NULL */
} ls_source;

ls_status ls_source_copy(const ls_source *from, ls_source *to, ls_error *err);
/* Frees what it points to. */
void ls_source_free(ls_source *source);

/* A target: the column that holds the class, or one of the columns of numbers or labels. */
typedef struct {
    char *name;   /* or NULL */
    size_t place; /* index of the column in the file; LS_NO_COLUMN: it comes from elsewhere */
    ls_number_format format;
} ls_target;

ls_status ls_targets_copy(const ls_target *from, size_t count, ls_target **to, ls_error *err);
void ls_targets_free(ls_target *target, size_t count);

#endif
