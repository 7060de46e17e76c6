/* SPDX-License-Identifier: MIT */
/* Rows that a model or training data expect of a second file. */
#ifndef LS_EXPECTED_H
#define LS_EXPECTED_H

#include "host/data/data.h"
#include "host/data/roles.h"

/* Owns nothing. Zero: anything is accepted. */
typedef struct {
    const char *const *class_names; /* known classes, or NULL */
    size_t classes;
    size_t features; /* columns beside the targets; 0: any number. If set, rows without targets are
                        accepted. */
    char *const *feature_names; /* names of these columns if they are plain numbers, or NULL */
    const ls_column *column;    /* descriptions of these columns, or NULL for plain numbers */
    /* The file that they came from; NULL if it is not known which columns these are. */
    const ls_source *source;
    ls_task task;
    const ls_target *target; /* [targets] */
    size_t targets;
    ls_missing missing; /* with `column` */
} ls_expected_rows;

/* Name and role of expected column i. */
const char *ls_expected_name(const ls_expected_rows *expected, size_t i);
ls_role ls_expected_role(const ls_expected_rows *expected, size_t i);

/* Whether it is known where the targets were in the training file. */
bool ls_expected_knows_targets(const ls_expected_rows *expected);

/* What a target is called in messages: "class", "target" or, of several, "targets". */
const char *ls_expected_noun(const ls_expected_rows *expected);

/* Number of targets before a place of the training file, if their places are known; else 0. */
size_t ls_expected_targets_before(const ls_expected_rows *expected, size_t place);

/* Place of expected column i in the training file. */
size_t ls_expected_place(const ls_expected_rows *expected, size_t i);

/* Width of the training file; if that is not known, of a file of the expected columns. */
size_t ls_expected_width(const ls_expected_rows *expected);

#endif
