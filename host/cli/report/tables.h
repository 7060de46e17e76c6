/* SPDX-License-Identifier: MIT */
/* The tables of a report, most of which stand beside a picture. */
#ifndef LS_CLI_REPORT_TABLES_H
#define LS_CLI_REPORT_TABLES_H

#include "host/base/text.h"
#include "host/cli/base/outcome.h"

/* Figures of one or two sets of rows. */
void report_table_figures(ls_text *page, const outcome *o, size_t n);
/* Each class: its rows, and its figures on the last set. Errors: LS_ERR_MEMORY. */
ls_status report_table_classes(ls_text *page, const outcome *o, size_t n, ls_error *err);
/* Some epochs and their losses. */
void report_table_loss(ls_text *page, const ls_model *model);
/* Which classes were taken for which. */
void report_table_confused(ls_text *page, const outcome *o);
/* The rows that are wrong with the greatest probability. Errors: LS_ERR_MEMORY. */
ls_status report_table_worst(ls_text *page, const outcome *o, ls_error *err);
/* What different thresholds give, for two classes. */
void report_table_thresholds(ls_text *page, const outcome *o);
void report_table_calibration(ls_text *page, const outcome *o);
void report_table_histogram(ls_text *page, const outcome *o);
void report_table_layers(ls_text *page, const ls_layer_info *layer, size_t count);

#endif
