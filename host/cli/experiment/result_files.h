/* SPDX-License-Identifier: MIT */
/* Writes the results of each experiment as CSV and Markdown files. */
#ifndef LS_CLI_EXPERIMENT_RESULT_FILES_H
#define LS_CLI_EXPERIMENT_RESULT_FILES_H

#include "host/cli/experiment/result.h"

/* DIR/R.csv, DIR/R-curves.csv, DIR/R-losses.csv and DIR/R.md for each experiment. */
ls_status exp_write_files(const exp_session *session, ls_error *err);

#endif
