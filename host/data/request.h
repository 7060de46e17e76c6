/* SPDX-License-Identifier: MIT */
/* What is known of a file before it is read. */
#ifndef LS_REQUEST_H
#define LS_REQUEST_H

#include "host/data/data.h"

/* Rows that a model or training data expect. Owns nothing. Zero: anything is accepted. */
typedef struct {
    const char *const *class_names; /* known classes, or NULL */
    size_t classes;
    size_t features; /* columns beside the class; 0: any number. If set, rows without classes are
                        accepted. */
    char *const *feature_names; /* names of these columns if they are plain numbers, or NULL */
    const ls_column *column;    /* descriptions of these columns, or NULL for plain numbers */
    /* With `column`: the file that they came from. */
    const ls_source *source;
    size_t target;      /* place of the class column in that file, or LS_NO_COLUMN */
    ls_missing missing; /* with `column` */
} ls_expected_rows;

typedef struct {
    const char *target, *labels, *columns, *drop, *categorical; /* as in ls_read_options */
    ls_missing missing;
    bool numbers_only; /* refuse text instead of taking it for categories */
    ls_expected_rows expected;
    size_t window;             /* CSV: bytes read at a time; 0: default */
    ls_read_callback callback; /* may be NULL */
    void *user;
} ls_read_request;

#endif
