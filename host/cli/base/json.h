/* SPDX-License-Identifier: MIT */
/* JSON output. */
#ifndef LS_CLI_JSON_H
#define LS_CLI_JSON_H

#include <jansson.h>

/* A JSON number, or null for NaN and infinities. */
json_t *number_json(double value);

/* Prints an object and a newline to stdout. Takes over the object. */
void print_json(json_t *object);

#endif
