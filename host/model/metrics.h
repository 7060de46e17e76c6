/* SPDX-License-Identifier: MIT */
#ifndef LS_METRICS_H
#define LS_METRICS_H

#include "host/base/error.h"

/* How outputs are evaluated. */
typedef struct {
    size_t positive; /* of two classes, the one that precision, recall, F1 and calibration are
                        about */
    ls_decision decision;
    bool probabilities;    /* a row's outputs are a distribution; without it there is no log-loss,
                              Brier score or calibration */
    int32_t most_frequent; /* class of the training rows; -1 if it is not known */
} ls_metric_rules;

/* Metrics of which nothing is known yet: numbers are NaN. classes: 0 for no confusion matrix.
 * labels: length of the lists per class or label; 0 for none. */
ls_status ls_metrics_create(size_t rows, size_t classes, size_t labels, ls_metrics **out,
                            ls_error *err);
/* Sum and mean of the losses; NaN if row_loss is NULL. */
void ls_metrics_add_losses(ls_metrics *metrics, const float *row_loss);
/* top / bottom; 0/0 gives 0 and sets *undefined. */
double ls_metrics_ratio(uint64_t top, uint64_t bottom, bool *undefined);

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
