/* SPDX-License-Identifier: MIT */
/* What differs first between two files of two runs. */
#ifndef LS_CLI_VERIFY_H
#define LS_CLI_VERIFY_H

#include "host/base/text.h"
#include "host/cli/base/cli.h"

/* A pair of files with the same place in two runs. */
typedef struct {
    const char *name; /* "metrics.jsonl" */
    const char *path[2];
    char *bytes[2]; /* NULL: it is not there */
    size_t size[2];
    bool same;
    ls_text words;  /* what differs first, or something worth a word where nothing does */
    json_t *detail; /* the same for --json: an object */
} file_pair;

/* Reads both files and compares them; fails only where one cannot be read or memory is out. */
ls_status file_pair_compare(file_pair *pair, ls_error *err);
void file_pair_free(file_pair *pair);

/* What file_pair_compare makes of two different model files (verify_model.c): tensor, element,
 * values, and how far they are apart; or which entry of the metadata. */
void compare_models(file_pair *pair);

/* Where two values of JSON differ first, as "result.train.loss", and what is there (NULL: nothing);
 * false where they are equal. Keys in `later` count only where nothing else differs; NULL ends the
 * list. */
bool json_difference(json_t *a, json_t *b, const char *const *later, ls_text *where,
                     json_t *value[2]);
/* Adds "where: 1.5 and 2.5" to the words, and "where", "a", "b" to the detail. */
void tell_difference(file_pair *pair, const char *where, json_t *const value[2]);
/* Adds "from byte 12 on", for files of which nothing better can be said. */
void tell_byte(file_pair *pair);

#endif
