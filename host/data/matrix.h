/* SPDX-License-Identifier: MIT */
/* Rows and classes from matrices of numbers, as IDX and NPY files hold them. */
#ifndef LS_MATRIX_H
#define LS_MATRIX_H

#include "host/data/request.h"
#include "host/data/stream.h"

/* A matrix as it lies in a file. Owns nothing. */
typedef struct {
    const char *path;  /* for messages */
    const char *bytes; /* the numbers; NULL: they are read from the stream, from its begin on */
    ls_stream *stream;
    size_t head; /* bytes before the numbers */
    size_t rows, columns;
    size_t side[3]; /* lengths of a row's dimensions if they are two or three, otherwise 0 */
    size_t first;   /* number of the first row in the file, for messages */
    char kind;      /* 'u' unsigned, 'i' signed, 'f' floating point or 'b' boolean */
    unsigned width; /* bytes per number */
    bool big_endian;
} ls_matrix;

/* Checks that the numbers take this many bytes, all that follow the header of a file. */
ls_status ls_check_matrix(const ls_matrix *matrix, const char *format, size_t bytes, ls_error *err);

/* Reads rows. labels: one class per row, or NULL: the class is a column of the matrix (the target
 * or else the last), or the rows have none (exactly the expected features). */
ls_status ls_read_matrix(const ls_matrix *matrix, const ls_matrix *labels,
                         const ls_read_request *request, ls_data **out, ls_error *err);

#endif
