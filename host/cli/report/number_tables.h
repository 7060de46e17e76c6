/* SPDX-License-Identifier: MIT */
/* The tables of a report on predicted numbers or labels. */
#ifndef LS_CLI_REPORT_NUMBER_TABLES_H
#define LS_CLI_REPORT_NUMBER_TABLES_H

#include "host/base/text.h"
#include "host/cli/base/outcome.h"

/* Metrics of numbers, one row per outcome (n: 1 or 2) and below each its baseline. */
void report_table_number_metrics(ls_text *page, const outcome *o, size_t n);
/* Metrics of each target. */
void report_table_targets(ls_text *page, const outcome *o);
/* Quantiles of the residuals of each target. Errors: LS_ERR_MEMORY. */
ls_status report_table_quantiles(ls_text *page, const outcome *o, ls_error *err);
/* The rows with the largest residuals. Errors: LS_ERR_MEMORY. */
ls_status report_table_residuals(ls_text *page, const outcome *o, ls_error *err);
/* The inputs that explain most of the residuals. Errors: LS_ERR_MEMORY. */
ls_status report_table_inputs(ls_text *page, const outcome *o, ls_error *err);

/* Metrics of labels, one row per outcome. */
void report_table_label_metrics(ls_text *page, const outcome *o, size_t n);
/* Each label with its metrics. Errors: LS_ERR_MEMORY. */
ls_status report_table_labels(ls_text *page, const outcome *o, ls_error *err);

#endif
