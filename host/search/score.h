/* SPDX-License-Identifier: MIT */
/* The metrics that trials are scored and ranked by. */
#ifndef LS_SCORE_H
#define LS_SCORE_H

#include "host/base/error.h"

/* Tasks that a metric is for. */
enum {
    LS_FOR_CLASSES = 1 << LS_TASK_CLASSIFICATION,
    LS_FOR_NUMBERS = 1 << LS_TASK_REGRESSION,
    LS_FOR_LABELS = 1 << LS_TASK_MULTILABEL,
    LS_FOR_ALL = LS_FOR_CLASSES | LS_FOR_NUMBERS | LS_FOR_LABELS
};

/* One row per metric: constant, field of ls_metrics, whether larger is better, tasks. The field's
 * name is the metric's name in options, tables and JSON. State files depend on the order. */
#define LS_SCORE_TABLE(ROW)                                                                        \
    ROW(ACCURACY, accuracy, true, LS_FOR_CLASSES | LS_FOR_LABELS)                                  \
    ROW(PRECISION, precision, true, LS_FOR_CLASSES | LS_FOR_LABELS)                                \
    ROW(RECALL, recall, true, LS_FOR_CLASSES | LS_FOR_LABELS)                                      \
    ROW(F1, f1, true, LS_FOR_CLASSES | LS_FOR_LABELS)                                              \
    ROW(AUC, auc, true, LS_FOR_CLASSES | LS_FOR_LABELS)                                            \
    ROW(LOSS, loss, false, LS_FOR_ALL)                                                             \
    ROW(MACRO_F1, macro_f1, true, LS_FOR_CLASSES | LS_FOR_LABELS)                                  \
    ROW(WEIGHTED_F1, weighted_f1, true, LS_FOR_CLASSES | LS_FOR_LABELS)                            \
    ROW(LOG_LOSS, log_loss, false, LS_FOR_CLASSES)                                                 \
    ROW(BRIER, brier, false, LS_FOR_CLASSES)                                                       \
    ROW(RMSE, rmse, false, LS_FOR_NUMBERS)                                                         \
    ROW(MAE, mae, false, LS_FOR_NUMBERS)                                                           \
    ROW(R2, r2, true, LS_FOR_NUMBERS)                                                              \
    ROW(MEDIAN_ABSOLUTE_ERROR, median_absolute_error, false, LS_FOR_NUMBERS)                       \
    ROW(EXPLAINED_VARIANCE, explained_variance, true, LS_FOR_NUMBERS)

#define LS_SCORE_CONSTANT(constant, field, larger, tasks) LS_SCORE_##constant,
typedef enum { LS_SCORE_TABLE(LS_SCORE_CONSTANT) LS_SCORES } ls_score;
#undef LS_SCORE_CONSTANT

extern const char *const ls_score_names[LS_SCORES + 1]; /* NULL-terminated */

/* Whether a larger value is better. */
bool ls_score_larger(int metric);

/* Whether the metric is for the task. */
bool ls_score_fits(int metric, ls_task task);

/* The metric that trials are ranked by if none is named: RMSE for numbers, otherwise accuracy. */
int ls_score_default(ls_task task);

/* Copies the metrics of the table. defined[k]: metric k is a number, and no precision, recall or F1
 * that is 0/0 and counts as 0. (For labels, only recall is known to be 0/0.) */
void ls_scores_read(const ls_metrics *metrics, double score[LS_SCORES], bool defined[LS_SCORES]);

#endif
