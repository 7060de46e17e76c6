/* SPDX-License-Identifier: MIT */
/* Prints on a terminal. Everything that this program prints besides CSV and JSON goes through here,
 * so that names from files reach the terminal as visible text (host/base/visible.h). */
#ifndef LS_CLI_TERMINAL_H
#define LS_CLI_TERMINAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* fprintf with the texts of %s made visible; their width and precision are in characters. */
void terminal_print(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
void terminal_vprint(FILE *to, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* After -q, nothing more is printed to standard output with these; CSV and JSON are not. */
void terminal_be_quiet(void);
bool terminal_is_quiet(void);

/* Whether memory has run out for a text that was to be printed to standard output. */
bool terminal_incomplete(void);
/* Notes that it has, for what is left out without terminal_print. */
void terminal_lacks(void);

#endif
