/* SPDX-License-Identifier: MIT */
/* What a trained model reaches on its rows, beside what a linear model reaches. */
#ifndef LS_CLI_TRAINING_METRICS_H
#define LS_CLI_TRAINING_METRICS_H

#include "host/cli/run/training_state.h"

/* Computes the metrics on training, validation and test rows, which do not overlap, and those of a
 * linear model with the same options on the last of them. What fails is told and counted. */
void training_evaluate(training *t);

/* The rows that a model is judged by, "test", "validation" or "train", and its metrics there (NULL
 * if they could not be computed). */
const char *training_judged(const training *t, const ls_metrics **metrics);

#endif
