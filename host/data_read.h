/* SPDX-License-Identifier: MIT */
/* What the readers of the formats share. data_read.c finds out which one a file is for. */
#ifndef LS_DATA_READ_H
#define LS_DATA_READ_H

#include "data.h"

/* What is known of a file before it is read: what the caller asks for, and what a model or training data expect. */
typedef struct {
    const char *target, *labels;      /* as in ls_read_options */
    const char *const *class_names;   /* known classes, or NULL */
    size_t classes;
    size_t features;                  /* expected columns beside the class, 0: any; with it rows without classes are accepted */
    ls_read_callback callback;        /* may be NULL */
    void *user;
} ls_layout;

/* Reads a file, and unpacks it where it is gzip; a NUL is behind it. Freed with free(). */
ls_status ls_load_file(const char *path, char **bytes, size_t *size, ls_error *err);

/* Readers of one format each. CSV: the bytes are changed. */
ls_status ls_read_csv(const char *path, char *bytes, size_t size, const ls_layout *layout, ls_data **out, ls_error *err);

/* A matrix of numbers inside a file, of whatever type and byte order. */
typedef struct {
    const char *path;
    const char *bytes;
    size_t rows, columns;
    char kind;                        /* 'u', 'i', 'f' or 'b' */
    unsigned width;                   /* bytes a number */
    bool big_endian;
} ls_numbers;

bool ls_is_idx(const char *bytes, size_t size);
bool ls_is_npy(const char *bytes, size_t size);
ls_status ls_open_idx(const char *path, const char *bytes, size_t size, ls_numbers *out, ls_error *err);
ls_status ls_open_npy(const char *path, const char *bytes, size_t size, ls_numbers *out, ls_error *err);

/* Rows from such a matrix. default_labels: the file that usually holds their classes, used where it is there; NULL: the last column
 * is the class where the layout names no file of labels. */
ls_status ls_read_numbers(const ls_numbers *numbers, const char *default_labels, const ls_layout *layout, ls_data **out, ls_error *err);

/* Names go into model files, which are JSON: they must be UTF-8. */
ls_status ls_check_names(const char *path, const ls_data *data, ls_error *err);

#endif
