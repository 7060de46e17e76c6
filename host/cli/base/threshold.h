/* SPDX-License-Identifier: MIT */
/* --positive and --threshold: the positive class, and the score from which rows belong to it. */
#ifndef LS_CLI_THRESHOLD_H
#define LS_CLI_THRESHOLD_H

#include "host/include/lockstep.h"
#include <jansson.h>
#include <popt.h>
#include <stdbool.h>

/* popt entries of --positive and --threshold. They point into `options`, which must outlive them.
 * best_f1: whether --threshold accepts "best-f1". */
enum { THRESHOLD_OPTIONS = 3 };
void threshold_table(ls_threshold_options *options, bool best_f1,
                     struct poptOption table[THRESHOLD_OPTIONS]);

/* {"positive", "threshold", "source"}. threshold is null if the largest output decides. The whole
 * value is null unless the model has two classes. */
json_t *decision_json(const ls_decision *decision, const ls_model *model);

/* Prints one line, or nothing if no threshold was set. */
void print_decision(const char *label, const ls_decision *decision, const ls_model *model);

#endif
