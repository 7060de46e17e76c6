/* SPDX-License-Identifier: MIT */
/* Finds the expected columns by their names. */
#ifndef LS_MATCH_NAMES_H
#define LS_MATCH_NAMES_H

#include "host/data/file_columns.h"
#include "host/data/found.h"

/* Whether the names of the file can be compared with those of the expected columns: both are from a
 * header, or the file has all names that Lockstep gives to columns without a header. */
ls_status ls_names_compare(const ls_expected_rows *expected, const ls_file_columns *file, bool *out,
                           ls_error *err);

/* Every expected column must be there once. apart and errors: as for ls_match. */
ls_status ls_match_names(const ls_read_request *request, const ls_file_columns *file, bool apart,
                         ls_found *out, ls_error *err);

#endif
