/* SPDX-License-Identifier: MIT */
/* Metrics of several labels per row, each of which applies or not. The formulas are in
 * docs/metrics.md. */
#ifndef LS_LABEL_METRICS_H
#define LS_LABEL_METRICS_H

#include "host/base/error.h"

/* Metrics of rows × labels outputs against values of 0 and 1; a label is predicted if its output
 * reaches 0.5. share: of the training rows to which each label applies, for the baseline. row_loss:
 * loss of each row, or NULL. *out is freed with ls_metrics_free. */
ls_status ls_label_metrics_compute(const float *outputs, const double *values, size_t rows,
                                   size_t labels, const double *share, const float *row_loss,
                                   ls_metrics **out, ls_error *err);

#endif
