/* SPDX-License-Identifier: MIT */
/* Metrics of a model as JSON and as tables. */
#ifndef LS_CLI_METRICS_OUTPUT_H
#define LS_CLI_METRICS_OUTPUT_H

#include "host/include/lockstep.h"
#include <jansson.h>

json_t *metrics_json(const ls_metrics *metrics, const ls_model *model);

/* The header, then one row per data set. */
void print_metrics_header(void);
void print_metrics(const char *label, const ls_metrics *metrics);

/* Threshold-free scores in one line; then precision, recall and F1 of each class (if there are at
 * most 20) and their averages. */
void print_classes(const ls_metrics *metrics, const ls_model *model);
/* The confusion matrix, or nothing for more than 20 classes. */
void print_confusion(const ls_metrics *metrics, const ls_model *model);
/* The calibration bins. */
void print_calibration(const ls_metrics *metrics, const ls_model *model);

#endif
