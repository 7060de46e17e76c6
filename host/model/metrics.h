/* SPDX-License-Identifier: MIT */
#ifndef LS_METRICS_H
#define LS_METRICS_H

#include "host/base/error.h"

/* How outputs are judged. */
typedef struct {
    size_t positive; /* of two classes, the one whose precision, recall, F1 and calibration are
                        meant */
    ls_decision decision;
    bool probabilities; /* whether a row's outputs are a distribution: otherwise there is no
                           log-loss, Brier score or calibration */
} ls_judging;

/* Figures of rows × columns outputs against the true classes y. columns is 1 (the score of class 1
 * of two) or classes. row_loss: loss of each row, or NULL where there is none (the losses are then
 * NaN). how: NULL for probabilities, class 1 and no threshold. *out is freed with ls_metrics_free.
 * A macro figure counts as undefined where it is so for any class. F1 is 2TP / (2TP + FP + FN),
 * which is 2PR / (P + R) wherever that is defined. */
ls_status ls_metrics_compute(const float *outputs, size_t rows, size_t columns, const int32_t *y,
                             size_t classes, const float *row_loss, const ls_judging *how,
                             ls_metrics **out, ls_error *err);

/* Natural logarithm of a positive, normal number, to some 2 ulp; of nothing but + - × /, so that it
 * is the same on every machine. */
double ls_metrics_log(double x);

#endif
