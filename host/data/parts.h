/* SPDX-License-Identifier: MIT */
/* Several files of one table, named together: "a.csv + b.csv". */
#ifndef LS_PARTS_H
#define LS_PARTS_H

#include "host/base/error.h"
#include <stdbool.h>

#define LS_PARTS_JOIN " + "

typedef struct {
    char **name; /* [count] */
    size_t count;
} ls_parts;

/* The files that a name stands for: itself, unless there is no such file and it is joined from
 * several. Freed with ls_parts_free. */
ls_status ls_parts_of(const char *name, ls_parts *out, ls_error *err);
void ls_parts_free(ls_parts *parts);

/* Whether all files are there. */
bool ls_parts_exist(const char *name);

#endif
