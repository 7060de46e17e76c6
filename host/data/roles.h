/* SPDX-License-Identifier: MIT */
/* What each column of a file is used for. */
#ifndef LS_ROLES_H
#define LS_ROLES_H

#include "host/base/error.h"

/* INFERRED: number or category, decided by its values. */
typedef enum {
    LS_ROLE_UNUSED,
    LS_ROLE_INFERRED,
    LS_ROLE_NUMBER,
    LS_ROLE_CATEGORY,
    LS_ROLE_TARGET,
    LS_ROLE_WEIGHT,
    LS_ROLE_GROUP
} ls_role;

enum { LS_SELECTION_NOTES = 2 };

typedef struct {
    size_t columns; /* of the file */
    size_t target;  /* the first target, or LS_NO_COLUMN */
    size_t targets; /* columns whose role is TARGET */
    size_t used;    /* columns that become columns of the data */
    ls_role *role;  /* [columns] */
    size_t *index;  /* [columns]: column of the data, or number of the target */
    bool complete;  /* all columns but the targets are used, in the order of the file */
    char note[LS_SELECTION_NOTES][480]; /* what was assumed, for the data */
    size_t notes;
    char absent[480]; /* which targets the header lacks, or "" */
} ls_selection;

/* Whether a column becomes a column of the data: an input of the model. */
static inline bool ls_is_feature(ls_role role)
{
    return role == LS_ROLE_INFERRED || role == LS_ROLE_NUMBER || role == LS_ROLE_CATEGORY;
}

#endif
