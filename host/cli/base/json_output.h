/* SPDX-License-Identifier: MIT */
#ifndef LS_CLI_JSON_OUTPUT_H
#define LS_CLI_JSON_OUTPUT_H

#include <jansson.h>

/* Prints an object and a newline to stdout. Takes over the object. */
void print_json(json_t *object);

#endif
