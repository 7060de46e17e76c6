/* SPDX-License-Identifier: MIT */
/* The folder of a training's checkpoints: when one is written, which are kept, and from which a
 * training goes on. Files are named after the step, and the newest `keep` of them remain. */
#ifndef LS_CHECKPOINT_H
#define LS_CHECKPOINT_H

#include "host/training/checkpoint_file.h"

typedef struct ls_checkpoints ls_checkpoints;

/* Opens the folder for a trainer that has not begun, and creates it if need be; no other process
 * may have it open. With control->resume the trainer is put where the newest whole checkpoint was
 * written. arithmetic: of the device. Errors: LS_ERR_IO, LS_ERR_DATA if all checkpoints are
 * damaged, LS_ERR_ARGUMENT if they are of another training, or are there without control->resume.
 */
ls_status ls_checkpoints_open(const ls_train_control *control, const char *arithmetic,
                              const ls_data *data, ls_trainer *trainer, ls_checkpoints **out,
                              ls_error *err);
/* Whether a folder holds checkpoints. */
bool ls_checkpoints_exist(const char *folder);
void ls_checkpoints_close(ls_checkpoints *checkpoints);

/* Writes one if it is time. A file that cannot be written is told (control->notice) and counted;
 * only LS_ERR_DEVICE is returned. */
ls_status ls_checkpoints_offer(ls_checkpoints *checkpoints, ls_trainer *trainer, ls_error *err);
/* Writes one in any case. */
ls_status ls_checkpoints_write(ls_checkpoints *checkpoints, ls_trainer *trainer, ls_error *err);
/* Most steps of the next slice, so that it ends where a checkpoint is to be written. */
uint64_t ls_checkpoints_limit(const ls_checkpoints *checkpoints, const ls_trainer *trainer,
                              uint64_t steps);
/* Checkpoints that could not be written. */
size_t ls_checkpoints_failed(const ls_checkpoints *checkpoints);

#endif
