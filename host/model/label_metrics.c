/* SPDX-License-Identifier: MIT */
#include "host/model/label_metrics.h"
#include "host/base/memory.h"
#include "host/model/decision.h"
#include "host/model/metrics.h"
#include "host/model/scores.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Shares of rows all of whose labels are right: as predicted, and as the baseline predicts them,
 * which gives each label its more frequent value. */
static void add_accuracies(const float *outputs, const double *values, const double *share,
                           ls_metrics *m)
{
    const ls_decision usual = ls_decision_default();
    uint64_t right = 0, usually_right = 0;
    for (size_t i = 0; i < m->rows; i++) {
        bool all = true, baseline = true;
        for (size_t k = 0; k < m->targets; k++) {
            bool truly = values[i * m->targets + k] != 0;
            all &= (ls_decide(&outputs[i * m->targets + k], 1, &usual) == 1) == truly;
            baseline &= (share[k] >= 0.5) == truly;
        }
        right += all;
        usually_right += baseline;
    }
    bool undefined = false;
    m->accuracy = ls_metrics_ratio(right, m->rows, &undefined);
    m->baseline_accuracy = m->rows ? (double)usually_right / (double)m->rows : (double)NAN;
    m->undefined += undefined;
}

/* Precision, recall and F1 of each label, and their means. */
static void add_labels(const float *outputs, const double *values, ls_metrics *m)
{
    const ls_decision usual = ls_decision_default();
    bool no_precision = false, no_recall = false, no_f1 = false;
    uint64_t all_support = 0;
    double even = 1.0 / (double)m->targets;
    for (size_t k = 0; k < m->targets; k++) {
        uint64_t hits = 0, truly = 0, predicted = 0;
        for (size_t i = 0; i < m->rows; i++) {
            bool is = values[i * m->targets + k] != 0,
                 said = ls_decide(&outputs[i * m->targets + k], 1, &usual) == 1;
            hits += is && said;
            truly += is;
            predicted += said;
        }
        m->class_support[k] = truly;
        m->class_precision[k] = ls_metrics_ratio(hits, predicted, &no_precision);
        m->class_recall[k] = ls_metrics_ratio(hits, truly, &no_recall);
        m->class_f1[k] = ls_metrics_ratio(2 * hits, truly + predicted, &no_f1);
        m->macro_precision += even * m->class_precision[k];
        m->macro_recall += even * m->class_recall[k];
        m->macro_f1 += even * m->class_f1[k];
        all_support += truly;
    }
    for (size_t k = 0; k < m->targets && all_support; k++) {
        double weight = (double)m->class_support[k] / (double)all_support;
        m->weighted_precision += weight * m->class_precision[k];
        m->weighted_recall += weight * m->class_recall[k];
        m->weighted_f1 += weight * m->class_f1[k];
    }
    m->precision = m->macro_precision;
    m->recall = m->macro_recall;
    m->f1 = m->macro_f1;
    m->undefined += (unsigned)no_precision + (unsigned)no_recall + (unsigned)no_f1;
}

/* Mean over the labels of the area under the ROC curve. column, y: room for the rows. */
static ls_status add_auc(const float *outputs, const double *values, float *column, int32_t *y,
                         ls_metrics *m, ls_error *err)
{
    double sum = 0;
    for (size_t k = 0; k < m->targets; k++) {
        ls_scored_row *sorted;
        for (size_t i = 0; i < m->rows; i++) {
            column[i] = outputs[i * m->targets + k];
            y[i] = values[i * m->targets + k] != 0;
        }
        LS_TRY(ls_scores_sort(column, m->rows, 1, y, 1, &sorted, err));
        sum += ls_scores_auc(sorted, m->rows); /* NaN if the label applies to no row, or to all */
        free(sorted);
    }
    m->auc = sum / (double)m->targets;
    m->undefined += isnan(sum) != 0;
    return LS_OK;
}

static void clear(ls_metrics *m)
{
    m->macro_precision = m->macro_recall = m->macro_f1 = 0;
    m->weighted_precision = m->weighted_recall = m->weighted_f1 = 0;
}

ls_status ls_label_metrics_compute(const float *outputs, const double *values, size_t rows,
                                   size_t labels, const double *share, const float *row_loss,
                                   ls_metrics **out, ls_error *err)
{
    ls_metrics *m;
    float *column = NULL;
    int32_t *y = NULL;
    assert(labels > 0);
    LS_TRY(ls_metrics_create(rows, 0, labels, &m, err));
    m->targets = labels;
    clear(m);
    ls_metrics_add_losses(m, row_loss);
    add_accuracies(outputs, values, share, m);
    add_labels(outputs, values, m);
    ls_status status = ls_alloc(&column, rows, sizeof *column, "metrics", err);
    if (status == LS_OK) status = ls_alloc(&y, rows, sizeof *y, "metrics", err);
    if (status == LS_OK) status = add_auc(outputs, values, column, y, m, err);
    free(column);
    free(y);
    if (status != LS_OK) {
        ls_metrics_free(m);
        return status;
    }
    *out = m;
    return LS_OK;
}
