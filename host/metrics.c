/* SPDX-License-Identifier: MIT */
#include "metrics.h"

#include <math.h>
#include <stdlib.h>

/* A row's score for class 1, and whether that is its class. */
typedef struct {
    float score;
    bool positive;
} scored_row;

size_t ls_decide(const float *outputs, size_t columns)
{
    if (columns == 1) return outputs[0] >= 0.5f ? 1 : 0;
    size_t best = 0;
    for (size_t j = 1; j < columns; j++) {
        if (outputs[j] > outputs[best]) best = j;
    }
    return best;
}

void ls_metrics_free(ls_metrics *metrics)
{
    if (!metrics) return;
    free(metrics->confusion);
    free(metrics->class_precision);
    free(metrics->class_recall);
    free(metrics->class_f1);
    free(metrics);
}

static ls_status create(size_t rows, size_t classes, ls_metrics **out, ls_error *err)
{
    size_t cells;
    if (!ls_mul_size(classes, classes, &cells)) {
        return ls_fail(err, LS_ERR_MEMORY, "a confusion matrix of %zu classes does not fit; use fewer classes",
                       classes);
    }
    ls_metrics *metrics = NULL;
    LS_TRY(ls_alloc(&metrics, 1, sizeof *metrics, "metrics", err));
    metrics->rows = rows;
    metrics->classes = classes;
    ls_status status = ls_alloc(&metrics->confusion, cells, sizeof *metrics->confusion, "the confusion matrix", err);
    if (status == LS_OK) status = ls_alloc(&metrics->class_precision, classes, sizeof(double), "metrics", err);
    if (status == LS_OK) status = ls_alloc(&metrics->class_recall, classes, sizeof(double), "metrics", err);
    if (status == LS_OK) status = ls_alloc(&metrics->class_f1, classes, sizeof(double), "metrics", err);
    if (status != LS_OK) {
        ls_metrics_free(metrics);
        return status;
    }
    *out = metrics;
    return LS_OK;
}

static ls_status check_classes(const int32_t *y, size_t rows, size_t columns, size_t classes, ls_error *err)
{
    size_t expected = columns == 1 ? 2 : columns;
    if (columns == 0 || classes != expected) {
        return ls_fail(err, LS_ERR_ARGUMENT, "metrics: %zu outputs do not go with %zu classes; use the data's classes",
                       columns, classes);
    }
    for (size_t i = 0; i < rows; i++) {
        if (y[i] < 0 || (size_t)y[i] >= classes) {
            return ls_fail(err, LS_ERR_ARGUMENT, "metrics: row %zu has class %ld, but there are %zu (from 0)", i,
                           (long)y[i], classes);
        }
    }
    return LS_OK;
}

/* top / bottom, where 0/0 is 0 and noted. */
static double ratio(uint64_t top, uint64_t bottom, bool *undefined)
{
    if (bottom > 0) return (double)top / (double)bottom;
    *undefined = true;
    return 0.0;
}

static void add_losses(ls_metrics *metrics, const float *row_loss)
{
    double sum = row_loss ? 0.0 : (double)NAN;
    for (size_t i = 0; row_loss && i < metrics->rows; i++) sum += (double)row_loss[i];
    metrics->loss_sum = sum;
    metrics->loss = metrics->rows > 0 ? sum / (double)metrics->rows : sum;
}

/* The per-class arrays, and the figures above them, from the confusion matrix. */
static void add_figures(ls_metrics *metrics)
{
    size_t classes = metrics->classes;
    uint64_t correct = 0;
    bool no_accuracy = false, no_precision = false, no_recall = false, no_f1 = false;
    for (size_t c = 0; c < classes; c++) {
        /* For two classes only class 1's figures are reported, so only its 0/0 cases count. */
        bool unseen = false, reported = classes != 2 || c == 1;
        double share = classes == 2 ? 1.0 : 1.0 / (double)classes;
        uint64_t hits = metrics->confusion[c * classes + c], truly = 0, predicted = 0;
        for (size_t k = 0; k < classes; k++) {
            truly += metrics->confusion[c * classes + k];
            predicted += metrics->confusion[k * classes + c];
        }
        correct += hits;
        metrics->class_precision[c] = ratio(hits, predicted, reported ? &no_precision : &unseen);
        metrics->class_recall[c] = ratio(hits, truly, reported ? &no_recall : &unseen);
        metrics->class_f1[c] = ratio(2 * hits, truly + predicted, reported ? &no_f1 : &unseen);
        if (!reported) continue;
        metrics->precision += share * metrics->class_precision[c];
        metrics->recall += share * metrics->class_recall[c];
        metrics->f1 += share * metrics->class_f1[c];
    }
    metrics->accuracy = ratio(correct, metrics->rows, &no_accuracy);
    metrics->undefined += (unsigned)no_accuracy + (unsigned)no_precision + (unsigned)no_recall + (unsigned)no_f1;
}

static int by_score(const void *a, const void *b)
{
    float left = ((const scored_row *)a)->score, right = ((const scored_row *)b)->score;
    return (left > right) - (left < right);
}

/* Chance that a row of class 1 scores above one of class 0, where a tie is half a win. Counted in integers (twice the
 * number of wins, below 2^63 for up to 2^32 rows), so that it does not depend on the order within ties. */
static double rank_statistic(const scored_row *sorted, size_t rows)
{
    uint64_t twice_wins = 0, positives = 0, negatives = 0;
    for (size_t i = 0; i < rows;) {
        uint64_t tied_positives = 0, tied_negatives = 0;
        float score = sorted[i].score;
        for (; i < rows && !(sorted[i].score > score); i++) {
            if (sorted[i].positive) tied_positives++;
            else tied_negatives++;
        }
        twice_wins += tied_positives * (2 * negatives + tied_negatives);
        positives += tied_positives;
        negatives += tied_negatives;
    }
    return (double)twice_wins / (2.0 * (double)positives * (double)negatives);
}

static ls_status add_auc(ls_metrics *metrics, const float *outputs, size_t columns, const int32_t *y, ls_error *err)
{
    metrics->auc = (double)NAN;
    if (metrics->classes != 2) return LS_OK;
    uint64_t positives = metrics->confusion[2] + metrics->confusion[3];
    if (positives == 0 || positives == metrics->rows) {
        metrics->undefined++;
        return LS_OK;
    }
    scored_row *scored = NULL;
    LS_TRY(ls_alloc(&scored, metrics->rows, sizeof *scored, "scores to rank", err));
    for (size_t i = 0; i < metrics->rows; i++) {
        float score = outputs[i * columns + columns - 1];
        scored[i].score = isnan(score) ? -INFINITY : score; /* a comparison must order all rows */
        scored[i].positive = y[i] == 1;
    }
    qsort(scored, metrics->rows, sizeof *scored, by_score);
    metrics->auc = rank_statistic(scored, metrics->rows);
    free(scored);
    return LS_OK;
}

ls_status ls_metrics_compute(const float *outputs, size_t rows, size_t columns, const int32_t *y, size_t classes,
                             const float *row_loss, ls_metrics **out, ls_error *err)
{
    LS_TRY(check_classes(y, rows, columns, classes, err));
    ls_metrics *metrics = NULL;
    LS_TRY(create(rows, classes, &metrics, err));
    for (size_t i = 0; i < rows; i++) {
        size_t predicted = ls_decide(outputs + i * columns, columns);
        metrics->confusion[(size_t)y[i] * classes + predicted]++;
    }
    add_losses(metrics, row_loss);
    add_figures(metrics);
    ls_status status = add_auc(metrics, outputs, columns, y, err);
    if (status != LS_OK) {
        ls_metrics_free(metrics);
        return status;
    }
    *out = metrics;
    return LS_OK;
}
