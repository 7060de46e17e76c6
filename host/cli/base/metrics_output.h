/* SPDX-License-Identifier: MIT */
/* Metrics of a model as JSON and as tables. */
#ifndef LS_CLI_METRICS_OUTPUT_H
#define LS_CLI_METRICS_OUTPUT_H

#include "host/include/lockstep.h"
#include <jansson.h>

json_t *metrics_json(const ls_metrics *metrics, const ls_model *model);

/* The header, then one row per data set. */
void print_metrics_header(const ls_model *model);
void print_metrics(const char *label, const ls_metrics *metrics, const ls_model *model);
/* One line: what a model reaches that ignores the inputs. label: the rows, such as "test". Nothing
 * if it is not known. */
void print_baseline(const char *label, const ls_metrics *metrics, const ls_model *model);

/* One line: what a linear model reaches. */
void print_linear(const char *label, const ls_metrics *metrics, const ls_model *model);

/* Further scores in one line; then a row for each class, label, or target if there are several, at
 * most 20, and averages of classes and labels. */
void print_details(const ls_metrics *metrics, const ls_model *model);
/* The confusion matrix, or nothing for more than 20 classes and without classes. */
void print_confusion(const ls_metrics *metrics, const ls_model *model);
/* The calibration bins. */
void print_calibration(const ls_metrics *metrics, const ls_model *model);

#endif
