/* SPDX-License-Identifier: MIT */
/* Columns of a file that are passed through as they stand, beside rows that are read. */
#ifndef LS_KEPT_H
#define LS_KEPT_H

#include "host/base/error.h"

/* Texts of rows × columns. Zero-initialised but for `columns`. */
typedef struct {
    size_t columns;
    size_t *at; /* places in `text`, row by row; `cells` of them */
    size_t cells, room;
    char *text; /* each cell with a NUL behind it */
    size_t length, capacity;
} ls_kept;

/* Adds the next cell. */
ls_status ls_kept_add(ls_kept *kept, const char *text, ls_error *err);
const char *ls_kept_text(const ls_kept *kept, size_t row, size_t column);
/* Frees it and what it points to. */
void ls_kept_free(ls_kept *kept);

#endif
