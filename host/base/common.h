/* SPDX-License-Identifier: MIT */
/* What every file of the host uses: errors with messages, checked memory, files written whole or
 * not at all. */
#ifndef LS_COMMON_H
#define LS_COMMON_H

#include "host/include/lockstep.h"
#include <stdbool.h>
#include <stdio.h>

/* Returns early with the status of a call that failed; the call has written the message. */
#define LS_TRY(call)                                                                               \
    do {                                                                                           \
        ls_status ls_try_ = (call);                                                                \
        if (ls_try_ != LS_OK) return ls_try_;                                                      \
    } while (0)

/* Writes a message into err (which may be NULL) and returns status, so that a failure is one
 * statement. */
ls_status ls_fail(ls_error *err, ls_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Zeroed memory for count × size bytes, aligned to 64; fails on overflow or lack of memory with a
 * message naming `what`. Freed with free(). *out is set to NULL on failure. A count of 0 gives a
 * valid pointer. */
ls_status ls_alloc(void *out, size_t count, size_t size, const char *what, ls_error *err);

/* The same for what may never be used in full: large memory comes from the system, which gives
 * pages when they are first touched. Given back with ls_release, which takes the same count and
 * size (NULL does nothing). */
ls_status ls_reserve(void *out, size_t count, size_t size, const char *what, ls_error *err);
void ls_release(void *memory, size_t count, size_t size);

/* Makes room for `wanted` elements in an array of *capacity, given by the address of its pointer,
 * at least doubling it where it grows; new elements are zeros. On failure nothing has changed. */
ls_status ls_grow(void *array, size_t *capacity, size_t wanted, size_t size, const char *what,
                  ls_error *err);

/* *out = a × b or a + b; false on overflow. */
bool ls_mul_size(size_t a, size_t b, size_t *out);
bool ls_add_size(size_t a, size_t b, size_t *out);

/* Processors that this process may use. */
unsigned ls_usable_cores(void);

/* A copy of text, or NULL where memory is out. */
char *ls_strdup(const char *text);

/* Finite number that spans all of text, read with '.' whatever the locale; false otherwise. */
bool ls_parse_double(const char *text, double *out);
/* Unsigned decimal integer that spans all of text; false otherwise. */
bool ls_parse_u64(const char *text, uint64_t *out);

/* Whether text is well-formed UTF-8 (RFC 3629). */
bool ls_is_utf8(const char *text);

/* The name among names[0..count) nearest to text by edit distance, or NULL where none is near. */
const char *ls_nearest(const char *text, const char *const *names, size_t count);

/* Writes size bytes to path by way of a temporary file in the same folder, fsync and rename: the
 * file is there whole or what was there before stays. path "-" is standard output. */
ls_status ls_write_file(const char *path, const void *bytes, size_t size, ls_error *err);

/* Opens a file or a pipe for reading; *size: of a file, 0 for a pipe. */
ls_status ls_open_file(const char *path, int *file, size_t *size, ls_error *err);

/* Reads a whole regular file, with a NUL behind it (not counted in *size). Freed with free(). */
ls_status ls_read_file(const char *path, char **bytes, size_t *size, ls_error *err);

/* A growing text buffer; `failed` stays set once memory ran out, so that it is checked once at the
 * end. */
typedef struct {
    char *text;
    size_t length, capacity;
    bool failed;
} ls_text;
void ls_text_add(ls_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
