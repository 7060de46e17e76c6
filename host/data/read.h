/* SPDX-License-Identifier: MIT */
/* What the readers of the formats share. data_read.c finds out which one a file is for. */
#ifndef LS_DATA_READ_H
#define LS_DATA_READ_H

#include "host/data/data.h"
#include "host/data/stream.h"

#define LS_NO_COLUMN SIZE_MAX

/* What is known of a file before it is read: what the caller asks for, and what a model or training
 * data expect. */
typedef struct {
    const char *target, *labels, *columns, *drop, *categorical; /* as in ls_read_options */
    ls_missing missing;
    bool numbers_only;              /* text is refused, and not taken for categories */
    const char *const *class_names; /* known classes, or NULL */
    size_t classes;
    size_t features; /* expected columns beside the class, 0: any; with it rows without classes are
                        accepted */
    char *const *names;               /* the names of these, where they are plain numbers */
    const ls_column *column;          /* or all about them */
    size_t file_columns, file_target; /* of the file that they came from; with `column` */
    size_t window;                    /* CSV: bytes to read at a time, 0: as is good */
    ls_read_callback callback;        /* may be NULL */
    void *user;
} ls_layout;

/* What becomes of a column: it is left out, typed by looking, known to be numbers or categories, or
 * the class. */
typedef enum { LS_USE_NOT, LS_USE_LOOK, LS_USE_NUMBER, LS_USE_CATEGORY, LS_USE_TARGET } ls_use;

typedef struct {
    size_t columns; /* of the file */
    size_t target;  /* or LS_NO_COLUMN */
    size_t used;    /* columns that rows get */
    ls_use *use;    /* columns */
    size_t *to;     /* columns: which of the used ones it is */
    bool whole;     /* all columns but the class are used, in their order */
} ls_selection;

/* Selects among the columns of a file. header: their names, or NULL. target: the class column as
 * far as it is known; where it turns out to be one of the expected features it is none. The
 * selection is freed with ls_selection_free, also where this fails. */
ls_status ls_select(const ls_layout *layout, const char *path, const char *const *header,
                    size_t columns, size_t target, ls_selection *out, ls_error *err);
void ls_selection_free(ls_selection *selection);

/* Reads CSV; path is for messages. */
ls_status ls_read_csv(const char *path, ls_stream *stream, const ls_layout *layout, ls_data **out,
                      ls_error *err);

/* A matrix of numbers inside a file, of whatever type and byte order. */
typedef struct {
    const char *path;
    const char *bytes;
    size_t rows, columns;
    char kind;      /* 'u', 'i', 'f' or 'b' */
    unsigned width; /* bytes a number */
    bool big_endian;
} ls_numbers;

bool ls_is_idx(const char *bytes, size_t size);
bool ls_is_npy(const char *bytes, size_t size);
ls_status ls_open_idx(const char *path, const char *bytes, size_t size, ls_numbers *out,
                      ls_error *err);
ls_status ls_open_npy(const char *path, const char *bytes, size_t size, ls_numbers *out,
                      ls_error *err);

/* Rows from such a matrix. default_labels: the file that usually holds their classes, used where it
 * is there; NULL: the last column is the class where the layout names no file of labels. */
ls_status ls_read_numbers(const ls_numbers *numbers, const char *default_labels,
                          const ls_layout *layout, ls_data **out, ls_error *err);

/* The file of classes that is found beside an IDX file by itself; freed with free(). NULL: there is
 * none, or it is no IDX file. */
char *ls_labels_beside(const char *path);

/* Drops rows with gaps where that is wanted, but none that a model or training data are there for.
 */
ls_status ls_data_drop_gaps(const char *path, const ls_layout *layout, ls_data **data,
                            ls_error *err);

/* Names go into model files, which are JSON: they must be UTF-8. */
ls_status ls_check_names(const char *path, const ls_data *data, ls_error *err);

#endif
