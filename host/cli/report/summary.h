/* SPDX-License-Identifier: MIT */
/* The head of a report: what was trained on what, and with which settings. */
#ifndef LS_CLI_REPORT_SUMMARY_H
#define LS_CLI_REPORT_SUMMARY_H

#include "host/base/text.h"
#include "host/cli/report/input.h"

/* A table of facts, and the command that trains the model again. */
ls_status report_add_summary(ls_text *page, const report_input *in, ls_error *err);

/* All options of the model. */
void report_add_settings(ls_text *page, const ls_model *model);

#endif
