/* SPDX-License-Identifier: MIT */
#ifndef LS_CLI_JSON_OUTPUT_H
#define LS_CLI_JSON_OUTPUT_H

#include <jansson.h>

/* Prints an object and a newline to stdout, and takes it over. NULL, or an object that cannot be
 * written, is told on stderr as a failure of the command: the output is then empty, never a part of
 * the object. Returns EXIT_OK or EXIT_FAILED. */
int print_json(const char *command, json_t *object);

/* A text that need not be UTF-8, such as a path: what is not is shown as on a terminal. */
json_t *json_shown(const char *text);

#endif
