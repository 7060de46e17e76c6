/* SPDX-License-Identifier: MIT */
/* Writes the results of each experiment as CSV and Markdown files. */
#ifndef LS_CLI_EXPERIMENT_RESULT_FILES_H
#define LS_CLI_EXPERIMENT_RESULT_FILES_H

#include "host/cli/base/losses.h"
#include "host/cli/experiment/result.h"

/* DIR/R.csv, DIR/R-curves.csv, DIR/R-losses.csv and DIR/R.md for each experiment. Tells and counts
 * what cannot be written. */
void exp_write_files(const exp_session *session, losses *lost);

#endif
