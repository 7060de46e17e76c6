/* SPDX-License-Identifier: MIT */
/* One training as `lockstep train` runs it: data, device, epochs, and the files it writes. */
#ifndef LS_CLI_TRAINING_H
#define LS_CLI_TRAINING_H

#include "host/cli/run/training_request.h"
#include "host/cli/run/training_state.h"

/* Trains, evaluates the model, and writes everything that the request names. *t is zero before and
 * must be freed afterwards, also on failure. After Ctrl-C the result is the model so far. Outputs
 * that could not be written are no failure here: they are told, and t->lost counts them.
 * command: the subcommand, for messages. */
ls_status training_run(const char *command, training_request *request, training *t, ls_error *err);

void training_free(training *t);

/* Repeats the training of a run.json into a new run folder.
 * run_of: the folder of that run. elsewhere: where its files are now (data, source.labels, test,
 * from), or NULL. device: which device to use, and whether to show progress.
 * until: stop after this epoch, as if interrupted there; 0: train to the end.
 * After Ctrl-C the folder holds an interrupted run. */
ls_status training_repeat(const char *config, const char *run_of, const char *run,
                          const run_config *elsewhere, const source_options *device, uint64_t until,
                          ls_error *err);

#endif
