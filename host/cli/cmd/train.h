/* SPDX-License-Identifier: MIT */
/* Training as the train subcommand does it, for others. */
#ifndef LS_CLI_CMD_TRAIN_H
#define LS_CLI_CMD_TRAIN_H

#include "host/cli/base/source.h"

/* Repeats what a run.json says into a new folder. device: where, and whether progress is shown.
 * until: stop after this epoch, as if interrupted there; 0: train to the end. After Ctrl-C the
 * folder holds a run that was interrupted. */
ls_status train_again(const char *config, const char *run, const source_options *device,
                      uint64_t until, ls_error *err);

#endif
