/* SPDX-License-Identifier: MIT */
/* What -v tells on standard error: each phase of a command with its seconds. */
#ifndef LS_CLI_PHASES_H
#define LS_CLI_PHASES_H

#include <stdbool.h>

/* Whether phases are told; not at first. */
void phases_tell(bool tell);
bool phases_told(void);

/* The time at which a phase begins, for phase_end. */
double phase_begin(void);

/* Tells, if phases are told, what has been done since, and the seconds that it took. */
void phase_end(double begun, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
