/* SPDX-License-Identifier: MIT */
/* The metrics that trials are scored and ranked by. */
#ifndef LS_SCORE_H
#define LS_SCORE_H

#include "host/base/error.h"

/* One row per metric: constant, field of ls_metrics, whether larger is better. The field's name is
 * the metric's name in options, tables and JSON. State files depend on the order. */
#define LS_SCORE_TABLE(ROW)                                                                        \
    ROW(ACCURACY, accuracy, true)                                                                  \
    ROW(PRECISION, precision, true)                                                                \
    ROW(RECALL, recall, true)                                                                      \
    ROW(F1, f1, true)                                                                              \
    ROW(AUC, auc, true)                                                                            \
    ROW(LOSS, loss, false)                                                                         \
    ROW(MACRO_F1, macro_f1, true)                                                                  \
    ROW(WEIGHTED_F1, weighted_f1, true)                                                            \
    ROW(LOG_LOSS, log_loss, false)                                                                 \
    ROW(BRIER, brier, false)

#define LS_SCORE_CONSTANT(constant, field, larger) LS_SCORE_##constant,
typedef enum { LS_SCORE_TABLE(LS_SCORE_CONSTANT) LS_SCORES } ls_score;
#undef LS_SCORE_CONSTANT

extern const char *const ls_score_names[LS_SCORES + 1]; /* NULL-terminated */

/* Whether a larger value is better. */
bool ls_score_larger(int metric);

/* Copies the metrics of the table. */
void ls_scores_read(const ls_metrics *metrics, double score[LS_SCORES]);

#endif
