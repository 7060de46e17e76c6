/* SPDX-License-Identifier: MIT */
/* Where the expected columns are in a second file. */
#ifndef LS_FOUND_H
#define LS_FOUND_H

#include "host/data/request.h"

typedef struct {
    size_t *feature;  /* [expected.features] */
    size_t *target;   /* [expected.targets] */
    size_t targets;   /* 0: the file has no targets, or none are read */
    char note[480];   /* what was assumed, or "" */
    char absent[480]; /* which targets a header lacks, or "" */
} ls_found;

#endif
