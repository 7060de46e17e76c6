/* SPDX-License-Identifier: MIT */
#ifndef LS_MODEL_READ_H
#define LS_MODEL_READ_H

#include "host/base/error.h"

/* A model from the bytes of its file; path is for messages. Errors: LS_ERR_DATA for bytes that are
 * no valid model file, LS_ERR_UNSUPPORTED in a build without jansson. */
ls_status ls_model_parse(const char *path, const char *bytes, size_t size, ls_model **out,
                         ls_error *err);

#endif
