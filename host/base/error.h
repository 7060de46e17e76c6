/* SPDX-License-Identifier: MIT */
/* Errors with a message. The library never prints and never exits: a function that can fail returns
 * an ls_status and writes what failed, where, and what to do next into an ls_error. */
#ifndef LS_ERROR_H
#define LS_ERROR_H

#include "host/include/lockstep.h"
#include <stdbool.h>
#include <stdio.h>

/* Returns early with the status of a call that failed; the call has written the message. */
#define LS_TRY(call)                                                                               \
    do {                                                                                           \
        ls_status ls_try_ = (call);                                                                \
        if (ls_try_ != LS_OK) return ls_try_;                                                      \
    } while (0)

void ls_error_set(ls_error *err, ls_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline ls_status ls_same_status(ls_status status) { return status; }

/* Writes a message into err (which may be NULL) and gives status, so that a failure is one
 * statement: return ls_fail(err, LS_ERR_IO, "%s: cannot open", path);
 * A macro, so that static analyzers see that the value is the status and not LS_OK. */
#define ls_fail(err, status, ...)                                                                  \
    ls_same_status((ls_error_set((err), (status), __VA_ARGS__), (status)))

#endif
