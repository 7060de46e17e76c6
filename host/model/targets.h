/* SPDX-License-Identifier: MIT */
/* Targets as networks see them, and back: classes become 0 and 1, labels stay 0 and 1, and numbers
 * are standardised. */
#ifndef LS_TARGETS_H
#define LS_TARGETS_H

#include "host/data/data.h"
#include "host/network/network.h"

/* Whether the rows have classes, numbers or labels. */
bool ls_data_has_targets(const ls_data *data);

/* What a network that is trained on the data predicts. */
ls_shape ls_shape_of(const ls_data *data);

/* The most frequent class, the first of equally frequent ones. The data has classes. */
int32_t ls_most_frequent_class(const ls_data *data);

/* mean[targets] of numbers or labels: one ascending sum in double, divided by the rows. */
void ls_targets_mean(const ls_data *data, double *mean);

/* scale[targets] = 1 / (population) standard deviation of numbers around `mean`, 1 for a target
 * that is the same in all rows. Errors: LS_ERR_DATA if double precision does not suffice. */
ls_status ls_targets_scale(const ls_data *data, const double *mean, double *scale, ls_error *err);

/* t[rows × outputs] = the network's targets. Classes: 0 or 1 for a single output, otherwise
 * one-hot. Numbers: (value - mean)·scale, rounded once; scale = NULL: the value. Labels: 0 or 1. */
void ls_network_targets(const ls_network *network, const ls_data *data, const double *mean,
                        const double *scale, float *t);

/* The number that an output stands for: mean + output/scale; scale = NULL: the output. i: index
 * of the target. */
double ls_target_number(const double *mean, const double *scale, size_t i, float output);

#endif
