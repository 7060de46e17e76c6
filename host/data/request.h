/* SPDX-License-Identifier: MIT */
/* What is known of a file before it is read. */
#ifndef LS_REQUEST_H
#define LS_REQUEST_H

#include "host/base/host_mode.h"
#include "host/data/expected.h"

/* What --task asks for. AUTO: the values of the target decide. */
typedef enum { LS_ASK_AUTO, LS_ASK_CLASSIFICATION, LS_ASK_REGRESSION } ls_task_request;

typedef struct {
    const char *target, *labels, *columns, *drop, *categorical; /* as in ls_read_options */
    ls_missing missing;
    bool numbers_only; /* refuse text instead of taking it for categories */
    ls_expected_rows expected;
    /* CSV only. */
    ls_header header;
    char separator;           /* ' ': one or more blanks or tabs; 0: found by the reader */
    char decimal;             /* '.' or ','; 0: decided for each column */
    char thousands;           /* 0: none */
    const char *units;        /* list of columns, or NULL */
    const char *missing_mark; /* list of texts, or NULL */
    bool dates;               /* dates become numbers */
    ls_task_request task;
    const char *weight, *group; /* columns, or NULL */
    bool no_target;             /* read no targets, whether the file has them or not */
    size_t sample;              /* rows to draw; 0: all */
    uint64_t sample_seed;
    struct ls_pass *pass;      /* cells are not kept (host/data/pass.h); NULL: they are */
    size_t window;             /* CSV: bytes read at a time; 0: default */
    ls_read_callback callback; /* may be NULL; runs in *mode if that is set */
    ls_host_mode *mode;        /* the caller's */
    void *user;
} ls_read_request;

/* Whether fields can be separated by a character. */
bool ls_is_separator(char c);

/* The request of a caller's options, to which it refers, without `expected`. Errors:
 * LS_ERR_ARGUMENT, naming the option. */
ls_status ls_request_take(const ls_read_options *options, ls_read_request *out, ls_error *err);

#endif
