/* SPDX-License-Identifier: MIT */
/* Takes model files apart and reassembles them, so that tests can examine and damage them. */
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
    char *data;          /* a copy of the data after the header */
    size_t data_size;
} file_parts;

/* The header length in the first eight bytes. */
uint64_t file_header_length(const char *bytes);

file_parts file_take_apart(const char *path);
/* Reassembles a file. with_meta: `meta`, with a new checksum, replaces the metadata. */
void file_put_together(const char *path, const file_parts *p, bool with_meta);
void file_parts_free(file_parts *p);

/* Writes a file with this header, padded to a multiple of 8, and the data. */
void file_write(const char *path, const char *header, size_t length, const char *data,
                size_t data_size);

/* Trains a small model and saves it. */
ls_model *file_make_model(const char *data_name, const char *options, const char *path);
void file_make(const char *data_name, const char *options, const char *path);

/* Checks that loading fails with this status and a message that names the file, and returns no
 * model. (LS_OK: that it succeeds.) */
void file_assert_refused(const char *path, ls_status status, const char *what);

#endif
