/* SPDX-License-Identifier: MIT */
#ifndef LS_METRICS_H
#define LS_METRICS_H

#include "host/base/error.h"

/* How outputs are evaluated. */
typedef struct {
    size_t positive; /* of two classes, the one that precision, recall, F1 and calibration are
                        about */
    ls_decision decision;
    bool probabilities; /* a row's outputs are a distribution; without it there is no log-loss,
                           Brier score or calibration */
} ls_metric_rules;

/* Metrics of rows × columns outputs against the true classes y. columns is 1 (the score of class 1
 * of two) or classes. row_loss: loss of each row, or NULL (the losses are then NaN). how: NULL for
 * probabilities, positive class 1 and no threshold. *out is freed with ls_metrics_free.
 * A macro average counts as undefined if it is undefined for any class. F1 is
 * 2TP / (2TP + FP + FN), which equals 2PR / (P + R) where that is defined. */
ls_status ls_metrics_compute(const float *outputs, size_t rows, size_t columns, const int32_t *y,
                             size_t classes, const float *row_loss, const ls_metric_rules *how,
                             ls_metrics **out, ls_error *err);

/* Natural logarithm of a positive, normal number (or NaN), to about 2 ulp. Uses only + - × /, so
 * that the result is the same on every machine. */
double ls_metrics_log(double x);

#endif
