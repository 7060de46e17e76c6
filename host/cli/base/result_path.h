/* SPDX-License-Identifier: MIT */
/* Checks of the paths that results are written to, made before long work. */
#ifndef LS_CLI_RESULT_PATH_H
#define LS_CLI_RESULT_PATH_H

#include "host/include/lockstep.h"

/* Checks that a file can be written to path. NULL and "-" pass. */
ls_status result_check_writable(const char *path, ls_error *err);

/* Refuses a path that is the input file `data`, or the model in the run folder `data`. Both may be
 * NULL. */
ls_status result_check_apart(const char *path, const char *data, ls_error *err);

/* Refuses two results in one file. Paths may be NULL. */
ls_status result_check_distinct(const char *const *paths, size_t count, ls_error *err);

#endif
