/* SPDX-License-Identifier: MIT */
/* An HTML report about one model: settings, training history, metrics, errors. */
#ifndef LS_CLI_REPORT_H
#define LS_CLI_REPORT_H

#include "host/base/error.h"
#include "host/cli/report/input.h"

/* Writes the report. The same input gives the same bytes. Without gnuplot the report has no plots
 * and says so. */
ls_status report_write(const report_input *input, const char *path, ls_error *err);

#endif
