/* SPDX-License-Identifier: MIT */
/* Stands in for model_read.c in builds without jansson. */
#include "host/model/model_read.h"

static ls_status unsupported(ls_error *err)
{
    return ls_fail(err, LS_ERR_UNSUPPORTED,
                   "this build cannot read model files: it was made without jansson");
}

ls_status ls_model_parse(const char *path, const char *bytes, size_t size, ls_model **out,
                         ls_error *err)
{
    (void)path, (void)bytes, (void)size, (void)out;
    return unsupported(err);
}
