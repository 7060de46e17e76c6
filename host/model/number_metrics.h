/* SPDX-License-Identifier: MIT */
/* Metrics of predicted numbers, as in scikit-learn's metrics of regression. The formulas are in
 * docs/metrics.md. */
#ifndef LS_NUMBER_METRICS_H
#define LS_NUMBER_METRICS_H

#include "host/base/error.h"

typedef struct {
    double rmse, mae, r2, median_absolute_error, explained_variance;
} ls_number_scores;

/* Scores of one target: truth[i·stride] against predicted[i·stride] for `rows` rows. R² and the
 * explained variance of a target that is the same in all rows are 1 if the prediction is exact, or
 * off by a constant for the latter, and otherwise 0; R² of a single row is NaN. All are NaN if a
 * prediction is, or without rows. */
ls_status ls_number_scores_compute(const double *truth, const double *predicted, size_t rows,
                                   size_t stride, ls_number_scores *out, ls_error *err);

/* Metrics of rows × targets predictions. mean: of each target over the training rows, for the
 * baselines. row_loss: loss of each row, or NULL. *out is freed with ls_metrics_free. */
ls_status ls_number_metrics_compute(const double *truth, const double *predicted, size_t rows,
                                    size_t targets, const double *mean, const float *row_loss,
                                    ls_metrics **out, ls_error *err);

#endif
