/* SPDX-License-Identifier: MIT */
/* The file of a checkpoint: safetensors with the state of a training, and one metadata entry,
 * "lockstep_checkpoint", with all else that it needs to go on. docs/file-format.md describes it. */
#ifndef LS_CHECKPOINT_FILE_H
#define LS_CHECKPOINT_FILE_H

#include "host/training/trainer_state.h"

/* What a checkpoint fits: data, start, and the trainer's options and arithmetic. */
typedef struct {
    char data[65];          /* SHA-256, ls_hash_data */
    char start[65];         /* ls_start_hash; empty: training started from the seed */
    bool refit;             /* preprocessing was fitted once more */
    const char *arithmetic; /* "exact", or the name of another one */
} ls_checkpoint_key;

/* The bytes of the file of a copy. */
ls_status ls_checkpoint_serialize(const ls_trainer *trainer, const ls_checkpoint_key *key,
                                  const ls_copy *copy, char **bytes, size_t *size, ls_error *err);

/* Reads a copy for a trainer that has not begun. path: for messages. Errors: LS_ERR_DATA for a
 * damaged file, LS_ERR_ARGUMENT for one of other data, start, options or arithmetic. */
ls_status ls_checkpoint_parse(const ls_trainer *trainer, const ls_checkpoint_key *key,
                              const char *path, const char *bytes, size_t size, ls_copy *out,
                              ls_error *err);

#endif
