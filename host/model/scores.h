/* SPDX-License-Identifier: MIT */
/* Rows ranked by the score of one class: the area under the ROC curve, and the threshold with the
 * best F1. */
#ifndef LS_SCORES_H
#define LS_SCORES_H

#include "host/base/error.h"

/* A row's score for a class, and whether the row is of that class. */
typedef struct {
    float score;
    bool positive;
} ls_scored_row;

/* Rows by ascending score of class k; a NaN counts as the lowest. Freed with free(). */
ls_status ls_scores_sort(const float *outputs, size_t rows, size_t columns, const int32_t *y,
                         size_t k, ls_scored_row **out, ls_error *err);

/* Area under the ROC curve: the probability that a positive row scores above a negative one, a tie
 * counting half. NaN unless there are rows of both kinds. */
double ls_scores_auc(const ls_scored_row *sorted, size_t rows);

/* The score that gives the best F1 as a threshold (a row is positive if its score reaches the
 * threshold); of equally good ones the lowest, as argmax finds it over scikit-learn's
 * precision_recall_curve. Errors: LS_ERR_DATA if no row is positive or no score is finite. */
ls_status ls_scores_best_f1(const ls_scored_row *sorted, size_t rows, float *threshold,
                            ls_error *err);

#endif
