/* SPDX-License-Identifier: MIT */
/* What becomes of missing values. */
#ifndef LS_MISSING_H
#define LS_MISSING_H

#include "host/base/error.h"

/* The first is the default. */
typedef enum {
    LS_MISSING_MEAN,
    LS_MISSING_MEDIAN,
    LS_MISSING_MOST_FREQUENT,
    LS_MISSING_DROP,
    LS_MISSING_ERROR
} ls_missing;
extern const char *const ls_missing_names[]; /* NULL-terminated */

/* The method of that name. Errors: LS_ERR_ARGUMENT, with a suggestion. */
ls_status ls_missing_parse(const char *name, ls_missing *out, ls_error *err);

#endif
