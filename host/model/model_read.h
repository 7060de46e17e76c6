/* SPDX-License-Identifier: MIT */
#ifndef LS_MODEL_READ_H
#define LS_MODEL_READ_H

#include "host/base/error.h"

/* A model from the bytes of its file; path is for messages. Errors: LS_ERR_DATA for bytes that are
 * no valid model file, LS_ERR_UNSUPPORTED in a build without jansson. */
ls_status ls_model_parse(const char *path, const char *bytes, size_t size, ls_model **out,
                         ls_error *err);

/* A file that is no model is refused before it is read: by its first 9 bytes (or fewer, if it has
 * no more), which give the length of the header after the first 8, */
ls_status ls_model_check_start(const char *path, const char *bytes, size_t size, size_t *header,
                               ls_error *err);
/* and by its header, which gives the bytes that follow it. */
ls_status ls_model_promised_size(const char *path, const char *header, size_t length,
                                 uint64_t *size, ls_error *err);

#endif
