/* SPDX-License-Identifier: MIT */
/* Memory allocation with checked sizes. */
#ifndef LS_MEMORY_H
#define LS_MEMORY_H

#include "host/base/error.h"

/* Zeroed memory for count × size bytes, aligned to 64 bytes, freed with free(). `what` names it in
 * messages. A count of 0 gives a valid pointer; *out is NULL on failure.
 * Errors: LS_ERR_MEMORY on overflow, or if the machine has less memory. */
ls_status ls_alloc(void *out, size_t count, size_t size, const char *what, ls_error *err);

/* The same for memory that may never be used in full: large blocks are mapped, so that a page is
 * allocated when it is first touched. Freed with ls_release, with the same count and size. */
ls_status ls_reserve(void *out, size_t count, size_t size, const char *what, ls_error *err);
/* The same where only a part is ever touched: it may be larger than the machine's memory. */
ls_status ls_reserve_sparse(void *out, size_t count, size_t size, const char *what, ls_error *err);
void ls_release(void *memory, size_t count, size_t size);

/* Grows an array of *capacity elements, given by the address of its pointer, to at least `wanted`
 * elements, at least doubling it; new elements are zero. Nothing changes on failure. */
ls_status ls_grow(void *array, size_t *capacity, size_t wanted, size_t size, const char *what,
                  ls_error *err);

/* *out = a × b or a + b; false on overflow. */
bool ls_mul_size(size_t a, size_t b, size_t *out);
bool ls_add_size(size_t a, size_t b, size_t *out);

/* Largest size that one file may unpack to: half of the machine's memory. A few kilobytes can
 * unpack to many gigabytes, and a system that overcommits kills the program instead of failing. */
size_t ls_most_bytes(void);

#endif
