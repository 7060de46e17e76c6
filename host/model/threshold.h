/* SPDX-License-Identifier: MIT */
/* Threshold and positive class: as asked for by the caller, and as chosen on rows. */
#ifndef LS_THRESHOLD_H
#define LS_THRESHOLD_H

#include "host/base/error.h"
#include "host/data/data.h"
#include "host/network/settings.h"

/* Reads threshold options against the class names. raw: scores may lie outside 0 to 1. *decision
 * keeps what the options leave out. *best_f1: the threshold is to be chosen by F1.
 * Errors: LS_ERR_ARGUMENT. */
ls_status ls_threshold_read(const ls_threshold_options *options, char *const *class_names,
                            size_t classes, bool raw, ls_decision *decision, bool *best_f1,
                            ls_error *err);

/* The threshold with the best F1 for class `positive`, over the outputs of labelled rows. */
ls_status ls_threshold_choose(const float *outputs, size_t columns, const ls_data *data,
                              size_t positive, float *threshold, ls_error *err);

/* Checks before training that ls_model_set_threshold will succeed with these options, so that hours
 * of training are not wasted. Errors: as ls_model_set_threshold. */
ls_status ls_threshold_check(const ls_threshold_options *threshold, const ls_options *options,
                             const ls_data *data, ls_error *err);

#endif
