/* SPDX-License-Identifier: MIT */
/* Compares two files of two runs. */
#ifndef LS_CLI_COMPARE_FILES_H
#define LS_CLI_COMPARE_FILES_H

#include "host/cli/run/file_pair.h"
#include "host/include/lockstep.h"

/* Reads both files of the pair (name and paths are set) and fills in the rest. A missing file is a
 * difference. Fails only if a file cannot be read or memory runs out. */
ls_status file_pair_compare(file_pair *pair, ls_error *err);

#endif
