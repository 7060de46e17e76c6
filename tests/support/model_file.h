/* SPDX-License-Identifier: MIT */
/* Model files taken apart and put together again, so that tests can look at them and damage them.
 */
#ifndef SUPPORT_MODEL_FILE_H
#define SUPPORT_MODEL_FILE_H

#include <jansson.h>
#include <stdint.h>

#include "tests/support/runs.h"

/* A model file taken apart. */
typedef struct {
    char *bytes; /* the file */
    size_t size;
    json_t *root, *meta; /* its header, and the metadata in it */
    char *data;          /* a copy of what is behind the header */
    size_t data_size;
} file_parts;

/* The length that the first eight bytes state. */
uint64_t file_header_length(const char *bytes);

file_parts file_take_apart(const char *path);
/* Puts the parts together again; with_meta: what meta holds becomes the metadata. */
void file_put_together(const char *path, const file_parts *p, bool with_meta);
void file_parts_free(file_parts *p);

/* Writes a file with that header, padded as it should be, and the data. */
void file_write(const char *path, const char *header, size_t length, const char *data,
                size_t data_size);

/* Trains a small model and saves it. */
ls_model *file_make_model(const char *data_name, const char *options, const char *path);
void file_make(const char *data_name, const char *options, const char *path);

/* The file is refused with that status and a sentence that names it, and nothing is handed out. */
void file_assert_refused(const char *path, ls_status status, const char *what);

#endif
