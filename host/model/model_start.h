/* SPDX-License-Identifier: MIT */
/* A file that is no model is refused before it is read: by its first bytes, and by its header. In
 * builds without jansson every file is. */
#ifndef LS_MODEL_START_H
#define LS_MODEL_START_H

#include "host/base/error.h"

/* Checks the first 9 bytes (or fewer, if the file has no more), which give the length of the header
 * behind the first 8. Errors: LS_ERR_DATA. */
ls_status ls_model_check_start(const char *path, const char *bytes, size_t size, size_t *header,
                               ls_error *err);

/* Reads from the header how many bytes follow it. Errors: LS_ERR_DATA if it is not JSON. */
ls_status ls_model_promised_size(const char *path, const char *header, size_t length,
                                 uint64_t *size, ls_error *err);

#endif
