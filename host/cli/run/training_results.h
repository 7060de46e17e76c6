/* SPDX-License-Identifier: MIT */
/* What a training leaves behind. */
#ifndef LS_CLI_TRAINING_RESULTS_H
#define LS_CLI_TRAINING_RESULTS_H

#include "host/cli/run/training_request.h"
#include "host/cli/run/training_state.h"

/* Writes everything that the request names, the model first. Each output is tried, whatever became
 * of the others; t->lost counts those that could not be written. */
void training_keep(const training_request *request, training *t);

/* Closes the log and the event file, and tells and counts what could not be written for an epoch.
 * training_keep does this, too. */
void training_end_logs(training *t);

#endif
