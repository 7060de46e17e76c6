/* SPDX-License-Identifier: MIT */
#ifndef LS_METRICS_H
#define LS_METRICS_H

#include "common.h"

/* Class of one row of outputs: the first largest of several columns; for a single column 1 where it reaches 0.5. */
size_t ls_decide(const float *outputs, size_t columns);

/* Figures of rows × columns outputs against the true classes y. columns is 1 (the score of class 1 of two) or classes.
 * row_loss: loss of each row, or NULL where there is none (the losses are then NaN). *out is freed with
 * ls_metrics_free. A macro figure counts as undefined where it is so for any class. F1 is 2TP / (2TP + FP + FN), which
 * is 2PR / (P + R) wherever that is defined. */
ls_status ls_metrics_compute(const float *outputs, size_t rows, size_t columns, const int32_t *y, size_t classes,
                             const float *row_loss, ls_metrics **out, ls_error *err);

#endif
