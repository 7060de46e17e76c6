/* SPDX-License-Identifier: MIT */
/* Finds the columns that a model or training rows expect in a second file: by name if both files
 * have a header, else by place. */
#ifndef LS_MATCH_H
#define LS_MATCH_H

#include "host/data/file_columns.h"
#include "host/data/request.h"

/* Sets the roles of the selection, whose arrays exist. kept[columns]: the columns that --columns
 * and
 * --drop leave. apart: the classes come from another file. Errors: LS_ERR_DATA if the file has not
 * the expected columns or can be read in two ways; LS_ERR_ARGUMENT for options. */
ls_status ls_match(const ls_read_request *request, const ls_file_columns *file, bool apart,
                   const bool *kept, ls_selection *selection, ls_error *err);

#endif
