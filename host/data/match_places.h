/* SPDX-License-Identifier: MIT */
/* Finds the expected columns by their place in the training file. */
#ifndef LS_MATCH_PLACES_H
#define LS_MATCH_PLACES_H

#include "host/data/file_columns.h"
#include "host/data/found.h"

/* The file must be as wide as the training file, or as that without its targets, or as the columns
 * that are used, with or without the targets. kept, apart and errors: as for ls_match. */
ls_status ls_match_places(const ls_read_request *request, const ls_file_columns *file, bool apart,
                          const bool *kept, ls_found *out, ls_error *err);

#endif
