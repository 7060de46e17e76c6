/* SPDX-License-Identifier: MIT */
/* The scores of a class: how they decide, how well they rank rows, and which of them is the best
 * threshold. */
#ifndef LS_SCORES_H
#define LS_SCORES_H

#include "host/base/error.h"

/* Score of class k of one row of outputs: its column; of a single column x, which is class 1's, 1 -
 * x for class 0, in float32 as `lockstep predict` prints it. */
float ls_class_score(const float *outputs, size_t columns, size_t k);

/* What decides where nothing was set, with class 1 as the positive one. */
ls_decision ls_decision_default(void);

/* The rule as it is carried out: for a single column without a threshold, class 1 from 0.5 on. */
ls_decision ls_decision_resolve(ls_decision how, size_t columns);

/* Class of one row of outputs. With a threshold: the positive class where its score is at least
 * that, else the other one. Without: the first largest of several columns; for a single one 1 where
 * it reaches 0.5. This is the only place that decides. */
size_t ls_decide(const float *outputs, size_t columns, const ls_decision *how);

/* A row's score for a class, and whether that is its class. */
typedef struct {
    float score;
    bool positive;
} ls_scored_row;

/* Rows by ascending score of class k; a NaN counts as the lowest. Freed with free(). */
ls_status ls_scores_sort(const float *outputs, size_t rows, size_t columns, const int32_t *y,
                         size_t k, ls_scored_row **out, ls_error *err);

/* Chance that a positive row scores above another one, where a tie is half a win: the area under
 * the ROC curve. NaN unless there are both. */
double ls_scores_auc(const ls_scored_row *sorted, size_t rows);

/* The score that gives the best F1 as a threshold (a row is positive where its score is at least
 * that); of equally good ones the lowest, as argmax finds it over scikit-learn's
 * precision_recall_curve. Errors: LS_ERR_DATA where no row is positive or no score finite. */
ls_status ls_scores_best_f1(const ls_scored_row *sorted, size_t rows, float *threshold,
                            ls_error *err);

/* What was asked for as text (see ls_threshold_options), read against the names of classes. raw:
 * scores may lie outside of 0 to 1. *how keeps what is not asked for; *best_f1: the threshold is to
 * be chosen. Errors: LS_ERR_ARGUMENT. */
ls_status ls_threshold_read(const ls_threshold_options *options, char *const *class_names,
                            size_t classes, bool raw, ls_decision *how, bool *best_f1,
                            ls_error *err);

#endif
