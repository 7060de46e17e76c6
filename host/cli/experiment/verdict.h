/* SPDX-License-Identifier: MIT */
/* Compares results with the published metrics. */
#ifndef LS_CLI_EXPERIMENT_VERDICT_H
#define LS_CLI_EXPERIMENT_VERDICT_H

#include "host/cli/experiment/result.h"

typedef enum { EXP_REACHED, EXP_BETTER, EXP_NOT_REACHED, EXP_OPEN } exp_verdict;

/* A published metric: a range, or one value (low == high). */
typedef struct {
    exp_metric metric;
    double low, high;
} exp_claim;

/* Parses the claims of row->published; returns their number. */
size_t exp_claims(const exp_row *row, exp_claim claim[EXP_METRICS]);

/* Reached: the published value lies within one standard deviation over the seeds of ours, but a
 * large deviation counts as at most 0.08 of a share or half of a loss. Losses are judged by their
 * median, because a single run that gets stuck would dominate their mean. */
exp_verdict exp_judge(const exp_result *result, const exp_claim *claim);
/* Number of a row's runs that reach the published value by themselves. */
size_t exp_as_good(const exp_result *result, size_t seeds, const exp_claim *claim);
const char *exp_verdict_name(exp_verdict verdict);
/* Returns true if the metric is a loss. */
bool exp_is_loss(exp_metric metric);

#endif
