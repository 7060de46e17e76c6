/* SPDX-License-Identifier: MIT */
/* The formulas are in docs/metrics.md. */
#include "host/model/metrics.h"
#include "host/base/memory.h"
#include "host/model/decision.h"
#include "host/model/scores.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Memory ---------------------------------------------------------------------------------- */

void ls_metrics_free(ls_metrics *metrics)
{
    if (!metrics) return;
    free(metrics->confusion);
    free(metrics->class_precision);
    free(metrics->class_recall);
    free(metrics->class_f1);
    free(metrics->class_support);
    free(metrics->target_rmse);
    free(metrics->target_mae);
    free(metrics->target_r2);
    free(metrics->target_median_absolute_error);
    free(metrics->target_explained_variance);
    free(metrics);
}

static ls_status fill_new(ls_metrics *metrics, size_t cells, size_t labels, ls_error *err)
{
    if (cells)
        LS_TRY(ls_alloc(&metrics->confusion, cells, sizeof *metrics->confusion,
                        "the confusion matrix", err));
    if (!labels) return LS_OK;
    LS_TRY(ls_alloc(&metrics->class_precision, labels, sizeof(double), "metrics", err));
    LS_TRY(ls_alloc(&metrics->class_recall, labels, sizeof(double), "metrics", err));
    LS_TRY(ls_alloc(&metrics->class_f1, labels, sizeof(double), "metrics", err));
    return ls_alloc(&metrics->class_support, labels, sizeof *metrics->class_support, "metrics",
                    err);
}

ls_status ls_metrics_create(size_t rows, size_t classes, size_t labels, ls_metrics **out,
                            ls_error *err)
{
    size_t cells;
    if (!ls_mul_size(classes, classes, &cells)) {
        return ls_fail(err, LS_ERR_MEMORY,
                       "a confusion matrix of %zu classes is too large; use fewer classes",
                       classes);
    }
    ls_metrics *metrics = NULL;
    LS_TRY(ls_alloc(&metrics, 1, sizeof *metrics, "metrics", err));
    metrics->struct_size = sizeof *metrics;
    metrics->rows = rows;
    metrics->classes = classes;
    metrics->decision = ls_decision_default();
    double *const unknown[] = {&metrics->loss,
                               &metrics->loss_sum,
                               &metrics->accuracy,
                               &metrics->precision,
                               &metrics->recall,
                               &metrics->f1,
                               &metrics->auc,
                               &metrics->macro_precision,
                               &metrics->macro_recall,
                               &metrics->macro_f1,
                               &metrics->weighted_precision,
                               &metrics->weighted_recall,
                               &metrics->weighted_f1,
                               &metrics->log_loss,
                               &metrics->brier,
                               &metrics->calibration_error,
                               &metrics->baseline_accuracy,
                               &metrics->rmse,
                               &metrics->mae,
                               &metrics->r2,
                               &metrics->median_absolute_error,
                               &metrics->explained_variance,
                               &metrics->baseline_rmse,
                               &metrics->baseline_mae};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) *unknown[i] = NAN;
    for (size_t b = 0; b < LS_CALIBRATION_BINS; b++)
        metrics->calibration[b] = (ls_calibration_bin){.score = NAN, .share = NAN};
    ls_status status = fill_new(metrics, cells, labels, err);
    if (status != LS_OK) {
        ls_metrics_free(metrics);
        return status;
    }
    *out = metrics;
    return LS_OK;
}

static ls_status check_classes(const int32_t *y, size_t rows, size_t columns, size_t classes,
                               ls_error *err)
{
    size_t expected = columns == 1 ? 2 : columns;
    if (columns == 0 || classes != expected) {
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "metrics: %zu outputs do not fit %zu classes; use the data's classes",
                       columns, classes);
    }
    for (size_t i = 0; i < rows; i++) {
        if (y[i] < 0 || (size_t)y[i] >= classes) {
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "metrics: row %zu has class %ld, but there are %zu (from 0)", i,
                           (long)y[i], classes);
        }
    }
    return LS_OK;
}

/* ---- Metrics of the decisions ---------------------------------------------------------------- */

void ls_metrics_add_losses(ls_metrics *metrics, const float *row_loss)
{
    double sum = row_loss ? 0.0 : (double)NAN;
    for (size_t i = 0; row_loss && i < metrics->rows; i++) sum += (double)row_loss[i];
    metrics->loss_sum = sum;
    metrics->loss = metrics->rows > 0 ? sum / (double)metrics->rows : sum;
}

double ls_metrics_ratio(uint64_t top, uint64_t bottom, bool *undefined)
{
    if (bottom > 0) return (double)top / (double)bottom;
    *undefined = true;
    return 0.0;
}

/* Adds one class's metrics to the macro and weighted averages. */
static void add_to_means(ls_metrics *metrics, size_t c)
{
    double even = 1.0 / (double)metrics->classes;
    double weight = metrics->rows > 0 ? (double)metrics->class_support[c] / (double)metrics->rows
                                      : 0.0;
    metrics->macro_precision += even * metrics->class_precision[c];
    metrics->macro_recall += even * metrics->class_recall[c];
    metrics->macro_f1 += even * metrics->class_f1[c];
    metrics->weighted_precision += weight * metrics->class_precision[c];
    metrics->weighted_recall += weight * metrics->class_recall[c];
    metrics->weighted_f1 += weight * metrics->class_f1[c];
}

/* Metrics per class and their averages, from the confusion matrix. */
static void add_decision_metrics(ls_metrics *metrics)
{
    size_t classes = metrics->classes;
    uint64_t correct = 0;
    metrics->macro_precision = metrics->macro_recall = metrics->macro_f1 = 0;
    metrics->weighted_precision = metrics->weighted_recall = metrics->weighted_f1 = 0;
    bool two = classes == 2, no_accuracy = false, no_precision = false, no_recall = false,
         no_f1 = false;
    for (size_t c = 0; c < classes; c++) {
        /* Of two classes, only the positive one's 0/0 cases are reported. */
        bool unseen = false, reported = !two || c == metrics->positive;
        uint64_t hits = metrics->confusion[c * classes + c], truly = 0, predicted = 0;
        for (size_t k = 0; k < classes; k++) {
            truly += metrics->confusion[c * classes + k];
            predicted += metrics->confusion[k * classes + c];
        }
        correct += hits;
        metrics->class_support[c] = truly;
        metrics->class_precision[c] = ls_metrics_ratio(hits, predicted,
                                                       reported ? &no_precision : &unseen);
        metrics->class_recall[c] = ls_metrics_ratio(hits, truly, reported ? &no_recall : &unseen);
        metrics->class_f1[c] = ls_metrics_ratio(2 * hits, truly + predicted,
                                                reported ? &no_f1 : &unseen);
        add_to_means(metrics, c);
    }
    metrics->precision = two ? metrics->class_precision[metrics->positive]
                             : metrics->macro_precision;
    metrics->recall = two ? metrics->class_recall[metrics->positive] : metrics->macro_recall;
    metrics->f1 = two ? metrics->class_f1[metrics->positive] : metrics->macro_f1;
    metrics->accuracy = ls_metrics_ratio(correct, metrics->rows, &no_accuracy);
    metrics->undefined += (unsigned)no_accuracy + (unsigned)no_precision + (unsigned)no_recall +
                          (unsigned)no_f1;
}

/* ---- Metrics of the scores ------------------------------------------------------------------- */

/* Two classes: of the positive one. More: the mean over the classes, each against the rest. */
static ls_status add_auc(ls_metrics *metrics, const float *outputs, size_t columns,
                         const int32_t *y, ls_error *err)
{
    size_t first = metrics->classes == 2 ? metrics->positive : 0,
           count = metrics->classes == 2 ? 1 : metrics->classes;
    double sum = 0;
    for (size_t c = 0; c < metrics->classes && !isnan(sum); c++)
        if (!metrics->class_support[c] || metrics->class_support[c] == metrics->rows)
            sum = (double)NAN;
    for (size_t c = first; c < first + count && !isnan(sum); c++) {
        ls_scored_row *sorted = NULL;
        LS_TRY(ls_scores_sort(outputs, metrics->rows, columns, y, c, &sorted, err));
        sum += ls_scores_auc(sorted, metrics->rows);
        free(sorted);
    }
    metrics->auc = sum / (double)count;
    if (isnan(sum)) metrics->undefined++;
    return LS_OK;
}

/* x = 2^e·m with m in [√½, √2); log m = 2·artanh(s) = 2(s + s³/3 + s⁵/5 + …), s = (m - 1)/(m + 1).
 * As |s| < 0.1716, the omitted terms are below 2^-53 of the sum. ln 2 is split in two parts, so
 * that the product of e and the first part is exact. */
double ls_metrics_log(double x)
{
    assert(isnan(x) || (x >= DBL_MIN && x <= DBL_MAX));
    static const double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33,
                        root = 0x1.6a09e667f3bcdp-1;
    int e;
    double m = frexp(x, &e);
    if (m < root) {
        m *= 2;
        e--;
    }
    double s = (m - 1) / (m + 1), z = s * s, sum = 0;
    for (int k = 21; k >= 3; k -= 2) sum = (sum + 1.0 / k) * z;
    return e * ln2_high + (e * ln2_low + 2 * (s * sum + s));
}

/* Probability of class k in double: 1 - x of a single column is not rounded to float32. */
static double probability(const float *outputs, size_t columns, size_t k)
{
    if (columns > 1) return (double)outputs[k];
    return k == 1 ? (double)outputs[0] : 1.0 - (double)outputs[0];
}

/* Sum of squared differences between a row's probabilities and 0/1, halved for two classes, whose
 * terms are equal. */
static double row_brier(const float *outputs, size_t columns, size_t classes, size_t truly)
{
    double sum = 0;
    for (size_t k = 0; k < classes; k++) {
        double off = (k == truly ? 1.0 : 0.0) - probability(outputs, columns, k);
        sum += off * off;
    }
    return classes == 2 ? 0.5 * sum : sum;
}

/* The bin of a score; a bin includes its upper edge. */
static size_t bin_of(double score)
{
    size_t bin = 0;
    while (bin + 1 < LS_CALIBRATION_BINS && score > (double)(bin + 1) / LS_CALIBRATION_BINS) bin++;
    return bin;
}

/* Adds a row to the sums of its calibration bin. */
static void add_to_bin(ls_metrics *metrics, const float *outputs, size_t columns, size_t truly)
{
    const ls_decision largest = ls_decision_default();
    size_t k = metrics->classes == 2 ? metrics->positive : ls_decide(outputs, columns, &largest);
    double score = probability(outputs, columns, k);
    ls_calibration_bin *bin = &metrics->calibration[bin_of(score)];
    bin->rows++;
    bin->score += score;
    bin->share += k == truly ? 1 : 0;
}

/* Turns the sums of the bins into means and computes the expected calibration error. */
static void finish_bins(ls_metrics *metrics, bool known)
{
    double sum = 0;
    for (size_t b = 0; b < LS_CALIBRATION_BINS; b++) {
        ls_calibration_bin *bin = &metrics->calibration[b];
        double rows = (double)bin->rows;
        bin->score = bin->rows ? bin->score / rows : (double)NAN;
        bin->share = bin->rows ? bin->share / rows : (double)NAN;
        if (bin->rows) sum += rows * fabs(bin->share - bin->score);
    }
    metrics->calibration_error = known ? sum / (double)metrics->rows : (double)NAN;
}

static void add_probabilities(ls_metrics *metrics, const float *outputs, size_t columns,
                              const int32_t *y, bool probabilities)
{
    static const double epsilon = (double)
        FLT_EPSILON; /* of the outputs' type, as scikit-learn's log_loss clips */
    bool known = probabilities && metrics->rows > 0;
    double log_sum = 0, brier = 0, rows = (double)metrics->rows;
    memset(metrics->calibration, 0, sizeof metrics->calibration);
    for (size_t i = 0; known && i < metrics->rows; i++) {
        const float *row = outputs + i * columns;
        double p = probability(row, columns, (size_t)y[i]);
        log_sum -= ls_metrics_log(p < epsilon ? epsilon : p > 1 - epsilon ? 1 - epsilon : p);
        brier += row_brier(row, columns, metrics->classes, (size_t)y[i]);
        add_to_bin(metrics, row, columns, (size_t)y[i]);
    }
    metrics->log_loss = known ? log_sum / rows : (double)NAN;
    metrics->brier = known ? brier / rows : (double)NAN;
    finish_bins(metrics, known);
}

/* The accuracy of always predicting the most frequent class of the training rows. */
static void add_baseline(ls_metrics *metrics, const int32_t *y, int32_t most_frequent)
{
    uint64_t right = 0;
    for (size_t i = 0; i < metrics->rows; i++) right += y[i] == most_frequent;
    if (most_frequent >= 0 && metrics->rows)
        metrics->baseline_accuracy = (double)right / (double)metrics->rows;
}

/* ---- All metrics ----------------------------------------------------------------------------- */

ls_status ls_metrics_compute(const float *outputs, size_t rows, size_t columns, const int32_t *y,
                             size_t classes, const float *row_loss, const ls_metric_rules *how,
                             ls_metrics **out, ls_error *err)
{
    const ls_metric_rules usual = {.positive = 1,
                                   .decision = ls_decision_default(),
                                   .probabilities = true,
                                   .most_frequent = -1};
    if (!how) how = &usual;
    LS_TRY(check_classes(y, rows, columns, classes, err));
    ls_metrics *metrics = NULL;
    LS_TRY(ls_metrics_create(rows, classes, classes, &metrics, err));
    metrics->positive = how->positive;
    metrics->decision = ls_decision_resolve(how->decision, columns);
    for (size_t i = 0; i < rows; i++) {
        size_t predicted = ls_decide(outputs + i * columns, columns, &metrics->decision);
        metrics->confusion[(size_t)y[i] * classes + predicted]++;
    }
    ls_metrics_add_losses(metrics, row_loss);
    add_decision_metrics(metrics);
    add_probabilities(metrics, outputs, columns, y, how->probabilities);
    add_baseline(metrics, y, how->most_frequent);
    ls_status status = add_auc(metrics, outputs, columns, y, err);
    if (status != LS_OK) {
        ls_metrics_free(metrics);
        return status;
    }
    *out = metrics;
    return LS_OK;
}
