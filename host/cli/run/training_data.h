/* SPDX-License-Identifier: MIT */
/* Reads the training and test rows of a training. */
#ifndef LS_CLI_TRAINING_DATA_H
#define LS_CLI_TRAINING_DATA_H

#include "host/cli/run/training_request.h"
#include "host/include/lockstep.h"
#include <stdbool.h>

/* Reads the rows, checks them against the hashes of --config, and holds out the share of --split.
 * *test is NULL without --test and --split. Rows that were read stay in *train and *test if this
 * fails, to be freed by the caller.
 * quiet: print no notes. */
ls_status training_data_read(training_request *request, bool quiet, ls_data **train, ls_data **test,
                             ls_error *err);

#endif
