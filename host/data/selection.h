/* SPDX-License-Identifier: MIT */
/* Which columns of a file are used, and for what. */
#ifndef LS_SELECTION_H
#define LS_SELECTION_H

#include "host/data/file_columns.h"
#include "host/data/request.h"
#include "host/data/roles.h"

/* Selects among the columns of a file, by the options or as the expected rows say. apart: the
 * classes come from another file. The selection is freed with ls_selection_free, also if this
 * fails. */
ls_status ls_select(const ls_read_request *request, const ls_file_columns *file, bool apart,
                    ls_selection *out, ls_error *err);
void ls_selection_free(ls_selection *selection);

/* Whether an option names a text of the first record, which is then a header. */
bool ls_names_header(const ls_read_request *request, const ls_file_columns *first);

#endif
