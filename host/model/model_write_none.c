/* SPDX-License-Identifier: MIT */
/* Stands in for model_write.c in builds without jansson. */
#include "host/model/model_write.h"

ls_status ls_model_serialize(const ls_model *model, char **bytes, size_t *size, ls_error *err)
{
    (void)model, (void)bytes, (void)size;
    return ls_fail(err, LS_ERR_UNSUPPORTED,
                   "this build cannot write model files: it was made without jansson");
}
