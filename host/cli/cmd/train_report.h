/* SPDX-License-Identifier: MIT */
/* What `lockstep train` and `lockstep resume` print at the end. */
#ifndef LS_CLI_TRAIN_REPORT_H
#define LS_CLI_TRAIN_REPORT_H

#include "host/cli/run/training.h"

/* Prints the result of a training and returns the exit status. command: for messages. */
int train_report(const char *command, const training_request *request, const training *training);

#endif
