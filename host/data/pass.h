/* SPDX-License-Identifier: MIT */
/* Reading a file whose cells are not kept. The first pass infers what the columns are and keeps
 * all else; each later one reads in just that way and hands the cells out, block by block. */
#ifndef LS_PASS_H
#define LS_PASS_H

#include "host/data/apart.h"
#include "host/data/column_builder.h"

enum { LS_PASS_ROWS = LS_APART_BLOCK };

/* Where a record begins, and on which line. */
typedef struct {
    size_t byte, line;
} ls_record_start;

/* Zero before the first pass. */
typedef struct ls_pass {
    ls_apart *apart;     /* the first pass describes its rows */
    ls_apart_take *take; /* of a later pass; NULL: this is the first one */
    void *user;
    size_t first, rows; /* of a later pass: the rows that it reads, and how many at most */
    /* What the first pass has found. */
    ls_assumed *assumed; /* [file_columns] */
    size_t file_columns;
    /* [apart->columns]: */
    ls_dictionary **texts;    /* in their order; or NULL */
    int32_t **map;            /* the category of each text; NULL: they are missing */
    ls_number_format *format; /* as it was in the end */
    bool *numbers;            /* whether there are any */
    /* CSV: the first record of each LS_APART_BLOCK rows but the first of them. */
    ls_record_start *start;
    size_t starts, start_room;
} ls_pass;

#endif
