/* SPDX-License-Identifier: MIT */
#ifndef LS_MODEL_WRITE_H
#define LS_MODEL_WRITE_H

#include "host/base/error.h"

/* The bytes of a model's file, freed with free(). The same model gives the same bytes.
 * Errors: LS_ERR_UNSUPPORTED in a build without jansson. */
ls_status ls_model_serialize(const ls_model *model, char **bytes, size_t *size, ls_error *err);

#endif
