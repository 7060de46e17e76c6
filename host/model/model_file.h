/* SPDX-License-Identifier: MIT */
/* Model files together with the SHA-256 of their bytes. */
#ifndef LS_MODEL_FILE_H
#define LS_MODEL_FILE_H

#include "host/base/error.h"
#include <stdbool.h>

/* As ls_model_load, with the hash of the bytes that were read (hex may be NULL). regular: a pipe or
 * device is refused and not waited for (ls_open_regular). */
ls_status ls_model_load_hashed(const char *path, bool regular, ls_model **out, char hex[65],
                               ls_error *err);

/* As ls_model_save, with the hash of the bytes that were written; hex is unchanged on failure. */
ls_status ls_model_save_hashed(const ls_model *model, const char *path, char hex[65],
                               ls_error *err);

#endif
