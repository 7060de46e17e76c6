/* SPDX-License-Identifier: MIT */
/* What `lockstep resume DIR` needs besides the checkpoints, kept in the same folder:
 *
 *   run.json      data and options, as in a run folder
 *   outputs.json  the folder of the training, the outputs that it writes, and how often it saves
 */
#ifndef LS_CLI_RESUME_H
#define LS_CLI_RESUME_H

#include "host/cli/run/training_request.h"

extern const char resume_config_name[], resume_outputs_name[];

/* Checks before a training that its folder for checkpoints holds none yet. */
ls_status resume_check(const training_request *request, ls_error *err);

/* Creates the folder and writes both files. */
ls_status resume_write(const training_request *request, ls_error *err);

/* Takes config, outputs and safety options of the training of the folder request->safety.checkpoint
 * into a request that lacks them, and goes to the folder where the training was begun, if it is
 * there: its paths are relative to that. Relative paths of the request are made absolute before.
 */
ls_status resume_read(training_request *request, ls_error *err);

#endif
