/* SPDX-License-Identifier: MIT */
/* The file of a checkpoint: safetensors with the state of a training, and one metadata entry,
 * "lockstep_checkpoint", with all else that it needs to go on. docs/file-format.md describes it. */
#ifndef LS_CHECKPOINT_FILE_H
#define LS_CHECKPOINT_FILE_H

#include "host/training/trainer_state.h"

/* What a checkpoint fits: `data` and the trainer's options and arithmetic. */
typedef struct {
    char data[65];          /* SHA-256, ls_hash_data */
    const char *arithmetic; /* "exact", or the name of another one */
} ls_checkpoint_key;

/* The bytes of the file. state: the trainer's present state, and behind it the best one if there is
 * one. */
ls_status ls_checkpoint_serialize(ls_trainer *trainer, const ls_checkpoint_key *key,
                                  const float *state, char **bytes, size_t *size, ls_error *err);

/* Puts a trainer that has not begun where the checkpoint was written. path: for messages. Errors:
 * LS_ERR_DATA for a damaged file, LS_ERR_ARGUMENT for one of other data, options or arithmetic; the
 * trainer is unchanged then. */
ls_status ls_checkpoint_parse(ls_trainer *trainer, const ls_checkpoint_key *key, const char *path,
                              const char *bytes, size_t size, ls_error *err);

#endif
