/* SPDX-License-Identifier: MIT */
/* Which columns of a file are used, and for what. */
#ifndef LS_SELECTION_H
#define LS_SELECTION_H

#include "host/data/request.h"

/* What a column is used for. INFERRED: number or category, decided by its values. */
typedef enum {
    LS_ROLE_UNUSED,
    LS_ROLE_INFERRED,
    LS_ROLE_NUMBER,
    LS_ROLE_CATEGORY,
    LS_ROLE_TARGET,
    LS_ROLE_WEIGHT,
    LS_ROLE_GROUP
} ls_role;

typedef struct {
    size_t columns; /* of the file */
    size_t target;  /* class column, or LS_NO_COLUMN */
    size_t used;    /* columns that become columns of the data */
    ls_role *role;  /* [columns] */
    size_t *index;  /* [columns]: column of the data, for used columns */
    bool complete;  /* all columns but the class are used, in the order of the file */
} ls_selection;

/* Selects among the columns of a file. header: their names, or NULL. target: the class column as
 * far as it is known; it becomes LS_NO_COLUMN if that column is one of the expected features. The
 * selection is freed with ls_selection_free, also if this fails. */
ls_status ls_select(const ls_read_request *request, const char *path, const char *const *header,
                    size_t columns, size_t target, ls_selection *out, ls_error *err);
void ls_selection_free(ls_selection *selection);

/* Whether a column becomes a column of the data: an input of the model. */
static inline bool ls_is_feature(ls_role role)
{
    return role == LS_ROLE_INFERRED || role == LS_ROLE_NUMBER || role == LS_ROLE_CATEGORY;
}

#endif
