/* SPDX-License-Identifier: MIT */
/* Stands in for model_start.c in builds without jansson. */
#include "host/model/model_start.h"

static ls_status unsupported(ls_error *err)
{
    return ls_fail(err, LS_ERR_UNSUPPORTED,
                   "this build cannot read model files: it was made without jansson");
}

ls_status ls_model_check_start(const char *path, const char *bytes, size_t size, size_t *header,
                               ls_error *err)
{
    (void)path, (void)bytes, (void)size, (void)header;
    return unsupported(err);
}

ls_status ls_model_promised_size(const char *path, const char *header, size_t length,
                                 uint64_t *size, ls_error *err)
{
    (void)path, (void)header, (void)length, (void)size;
    return unsupported(err);
}
