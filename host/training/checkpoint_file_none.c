/* SPDX-License-Identifier: MIT */
/* Stands in for checkpoint_file.c in builds without jansson. */
#include "host/training/checkpoint_file.h"

ls_status ls_checkpoint_serialize(const ls_trainer *trainer, const ls_checkpoint_key *key,
                                  const ls_copy *copy, char **bytes, size_t *size, ls_error *err)
{
    (void)trainer, (void)key, (void)copy, (void)bytes, (void)size;
    return ls_fail(err, LS_ERR_UNSUPPORTED,
                   "this build cannot write checkpoints: it was made without jansson");
}

ls_status ls_checkpoint_parse(const ls_trainer *trainer, const ls_checkpoint_key *key,
                              const char *path, const char *bytes, size_t size, ls_copy *out,
                              ls_error *err)
{
    (void)trainer, (void)key, (void)path, (void)bytes, (void)size, (void)out;
    return ls_fail(err, LS_ERR_UNSUPPORTED,
                   "this build cannot read checkpoints: it was made without jansson");
}
