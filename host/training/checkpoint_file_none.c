/* SPDX-License-Identifier: MIT */
/* Stands in for checkpoint_file.c in builds without jansson. */
#include "host/training/checkpoint_file.h"

ls_status ls_checkpoint_serialize(ls_trainer *trainer, const ls_checkpoint_key *key,
                                  const float *state, char **bytes, size_t *size, ls_error *err)
{
    (void)trainer, (void)key, (void)state, (void)bytes, (void)size;
    return ls_fail(err, LS_ERR_UNSUPPORTED,
                   "this build cannot write checkpoints: it was made without jansson");
}

ls_status ls_checkpoint_parse(ls_trainer *trainer, const ls_checkpoint_key *key, const char *path,
                              const char *bytes, size_t size, ls_error *err)
{
    (void)trainer, (void)key, (void)path, (void)bytes, (void)size;
    return ls_fail(err, LS_ERR_UNSUPPORTED,
                   "this build cannot read checkpoints: it was made without jansson");
}
