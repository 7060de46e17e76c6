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

/* Whether memory ran out for something on stdout. */
bool terminal_is_incomplete(void);
void terminal_set_incomplete(void);

#endif
