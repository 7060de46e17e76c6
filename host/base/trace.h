/* SPDX-License-Identifier: MIT */
/* A trace of what is built, tried and chosen, for whoever wonders why a device is slow: lines that
 * are appended to the file that the environment variable LOCKSTEP_TRACE names, by this process and
 * by those of devices. */
#ifndef LS_TRACE_H
#define LS_TRACE_H

#include <stdbool.h>

/* Whether there is one: what only a trace needs need not be computed otherwise. */
bool ls_trace_is_on(void);
/* Appends one line: seconds of a clock that all processes share, the text, and a newline. A line
 * that cannot be written is lost. */
void ls_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
