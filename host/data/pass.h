/* SPDX-License-Identifier: MIT */
/* Reading a file whose cells are not kept. The first pass infers what the columns are and keeps
 * all else; each later one reads in just that way and hands the cells out, block by block. */
#ifndef LS_PASS_H
#define LS_PASS_H

#include "host/data/apart.h"
#include "host/data/column_builder.h"

enum { LS_PASS_ROWS = 1024 /* of a block */ };

/* Zero before the first pass. */
typedef struct ls_pass {
    ls_apart *apart;     /* the first pass describes its rows */
    ls_apart_take *take; /* of a later pass; NULL: this is the first one */
    void *user;
    /* What the first pass has found. */
    ls_assumed *assumed; /* [file_columns] */
    size_t file_columns;
    int32_t **map; /* [apart->columns] the category of each text; NULL: its texts are missing */
} ls_pass;

#endif
