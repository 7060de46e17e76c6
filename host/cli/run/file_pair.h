/* SPDX-License-Identifier: MIT */
/* Two files with the same role in two runs, and the description of their first difference. */
#ifndef LS_CLI_FILE_PAIR_H
#define LS_CLI_FILE_PAIR_H

#include "host/base/text.h"
#include <jansson.h>
#include <stdbool.h>

typedef struct {
    const char *name; /* "metrics.jsonl" */
    const char *path[2];
    bool inside[2]; /* in a run folder, so that nobody named the file itself */
    char *bytes[2]; /* NULL if the file does not exist */
    size_t size[2];
    bool same;
    char *source[2]; /* of run.json: what the data are called, if only that differs; owned */
    ls_text message; /* the first difference as text; empty if there is nothing to say */
    json_t *detail;  /* the same as an object, for --json */
} file_pair;

void file_pair_free(file_pair *pair);

/* Adds "where: 1.5 and 2.5" to the message, and "where", "a" and "b" to the detail. value: NULL if
 * absent. */
void file_pair_describe_values(file_pair *pair, const char *where, json_t *const value[2]);

/* Adds the number of the first byte that differs, for files that cannot be compared in any better
 * way. */
void file_pair_describe_byte(file_pair *pair);

#endif
