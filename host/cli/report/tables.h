/* SPDX-License-Identifier: MIT */
/* The tables of a report. */
#ifndef LS_CLI_REPORT_TABLES_H
#define LS_CLI_REPORT_TABLES_H

#include "host/base/text.h"
#include "host/cli/base/outcome.h"

/* Metrics, one row per outcome (n: 1 or 2). */
void report_table_metrics(ls_text *page, const outcome *o, size_t n);
/* Each class: its number of rows in each outcome, and its metrics in the last. Errors:
 * LS_ERR_MEMORY. */
ls_status report_table_classes(ls_text *page, const outcome *o, size_t n, ls_error *err);
/* Losses of about 20 epochs. */
void report_table_loss(ls_text *page, const ls_model *model);
/* The most frequently confused pairs of classes. */
void report_table_confused(ls_text *page, const outcome *o);
/* The misclassified rows with the highest scores. Errors: LS_ERR_MEMORY. */
ls_status report_table_worst(ls_text *page, const outcome *o, ls_error *err);
/* Rates and precision at thresholds 0.1 to 0.9, for two classes. */
void report_table_thresholds(ls_text *page, const outcome *o);
void report_table_calibration(ls_text *page, const outcome *o);
void report_table_histogram(ls_text *page, const outcome *o);
/* The networks of an ensemble. */
void report_table_members(ls_text *page, const ls_model *model);
void report_table_layers(ls_text *page, const ls_model *model, const ls_layer_info *layer,
                         size_t count);

#endif
