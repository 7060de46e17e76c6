/* SPDX-License-Identifier: MIT */
/* The formats of data files: one row of one table each. */
#ifndef LS_FORMATS_H
#define LS_FORMATS_H

#include "host/data/matrix.h"
#include "host/data/stream.h"
#include <string.h>

/* A format has either `describe` and `head`, or `read`. */
typedef struct {
    const char *name; /* for messages */
    /* Recognises the format by the first bytes (LS_STREAM_HEAD, or fewer of a shorter file). */
    bool (*is)(const char *bytes, size_t size);
    /* Bytes of the header in front of a matrix of numbers, given the first bytes as in `is`. */
    size_t (*head)(const char *bytes, size_t size);
    /* Describes the matrix by the first bytes: the header, less of it (an error), or more. */
    ls_status (*describe)(const char *path, const char *bytes, size_t size, ls_matrix *out,
                          ls_error *err);
    /* Reads rows of a table from a stream. */
    ls_status (*read)(const char *path, ls_stream *stream, const ls_read_request *request,
                      ls_data **out, ls_error *err);
    /* Path of the file that usually holds the classes of a matrix at that path, freed with free();
     * NULL if there is no such custom. The function is NULL for formats without one. */
    char *(*labels)(const char *path);
} ls_format;

/* Whether rows of the format are lines of text. */
static inline bool ls_format_is_text(const ls_format *format)
{
    return !strcmp(format->name, "CSV");
}

/* The format of a file that begins with these bytes: the last one takes any, except those of
 * formats that are known to be others (host/data/foreign.h). path: for messages. */
ls_status ls_format_of(const char *path, const char *bytes, size_t size, const ls_format **out,
                       ls_error *err);

/* Reads the header of a matrix from a stream of which nothing has been read. Refuses a header that
 * promises more numbers than the stream can hold. *bytes: the bytes of the numbers, which follow.
 */
ls_status ls_format_matrix(const ls_format *format, const char *path, ls_stream *stream,
                           ls_matrix *out, size_t *bytes, ls_error *err);

/* Refuses a file of classes (NULL: there is none) for a format whose rows hold their class. path:
 * of the rows. */
ls_status ls_format_check_labels(const ls_format *format, const char *labels, const char *path,
                                 ls_error *err);

/* The names of the formats that hold matrices of numbers, for messages: "IDX and NPY". */
typedef struct {
    char text[64];
} ls_format_names;
ls_format_names ls_matrix_formats(void);

#endif
