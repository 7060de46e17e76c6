/* SPDX-License-Identifier: MIT */
/* Stands in for model_file.c where the build has no JSON library: training and prediction work,
 * files do not. */
#include "host/base/error.h"
#include "host/model/model.h"

static ls_status unsupported(ls_error *err)
{
    return ls_fail(err, LS_ERR_UNSUPPORTED,
                   "this build has no model files: it was made without jansson");
}

ls_status ls_model_serialize(const ls_model *model, char **bytes, size_t *size, ls_error *err)
{
    (void)model, (void)bytes, (void)size;
    return unsupported(err);
}

ls_status ls_model_load(const char *path, ls_model **out, ls_error *err)
{
    (void)path, (void)out;
    return unsupported(err);
}
