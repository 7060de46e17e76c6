/* SPDX-License-Identifier: MIT */
/* How the rows that a model was trained on were read and split, so that the same parts can be found
 * again in the same data. */
#ifndef LS_SPLIT_RECORD_H
#define LS_SPLIT_RECORD_H

#include "host/data/data.h"

typedef struct {
    double test;       /* share of all rows that were held out as test rows; 0: none were */
    double validation; /* share of the other rows that were validation rows, or 0 */
    char sha256[65];   /* ls_split_hash of the rows */
    char *read;        /* the options about the data that were given: a JSON object as text */
} ls_split_record;

/* Frees it and what it points to. */
void ls_split_record_free(ls_split_record *record);
ls_status ls_split_record_copy(const ls_split_record *from, ls_split_record **to, ls_error *err);

/* Hash of the rows without the test rows, then of these (NULL: there are none). */
ls_status ls_split_hash(const ls_data *rows, const ls_data *test, char hex[65], ls_error *err);

#endif
