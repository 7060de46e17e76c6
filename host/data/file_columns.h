/* SPDX-License-Identifier: MIT */
/* The columns of a file and the options that name them. */
#ifndef LS_FILE_COLUMNS_H
#define LS_FILE_COLUMNS_H

#include "host/data/source.h"

/* Owns nothing. */
typedef struct {
    const char *path;        /* for messages */
    const char *const *name; /* [count], or NULL without a header */
    size_t count;
} ls_file_columns;

/* Whether two names are equal but for blanks around them, and their order by bytes. */
bool ls_same_name(const char *a, const char *b);
int ls_compare_names(const char *a, const char *b);

/* The first column of that name from `start` on, or LS_NO_COLUMN. */
size_t ls_column_named(const ls_file_columns *file, const char *name, size_t start);

/* The column that an option names: by its name, which has precedence, or by its index from 0.
 * Errors: LS_ERR_ARGUMENT if there is none, or if several have the name. */
ls_status ls_column_find(const ls_file_columns *file, const char *option, const char *text,
                         size_t *out, ls_error *err);

/* The columns of a list of names and indices, separated by commas, in the order of the list. Names
 * may contain commas. A column that is listed twice counts once. out: room for file->count columns.
 * Errors: as for ls_column_find. */
ls_status ls_column_list(const ls_file_columns *file, const char *option, const char *list,
                         size_t *out, size_t *count, ls_error *err);

/* marks[j] = whether column j is in the list. marks: [file->count]. */
ls_status ls_mark_columns(const ls_file_columns *file, const char *option, const char *list,
                          bool *marks, ls_error *err);

/* Whether the list has a name of a column that is no index. */
bool ls_list_has_name(const ls_file_columns *file, const char *list);

#endif
