/* SPDX-License-Identifier: MIT */
#include "host/model/number_metrics.h"
#include "host/base/memory.h"
#include "host/model/metrics.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- One target ------------------------------------------------------------------------------ */

/* Sum of squares around the mean, exactly 0 for equal numbers. */
static double squares_around_mean(const double *x, size_t count)
{
    double sum = 0, squares = 0;
    bool equal = true;
    for (size_t i = 0; i < count; i++) {
        sum += x[i];
        equal &= x[i] == x[0];
    }
    double mean = equal ? x[0] : sum / (double)count;
    for (size_t i = 0; i < count; i++) squares += (x[i] - mean) * (x[i] - mean);
    return squares;
}

/* 1 - unexplained / whole; of a target without variation 1 if nothing is unexplained, otherwise 0.
 */
static double explained(double unexplained, double whole)
{
    if (isnan(unexplained)) return (double)NAN;
    if (whole > 0) return 1.0 - unexplained / whole;
    return unexplained > 0 ? 0.0 : 1.0;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sorts x. */
static double median(double *x, size_t count)
{
    qsort(x, count, sizeof *x, by_size);
    return count % 2 ? x[count / 2] : (x[count / 2 - 1] + x[count / 2]) / 2;
}

/* work: room for 2·rows numbers. */
static void score(const double *truth, const double *predicted, size_t rows, size_t stride,
                  double *work, ls_number_scores *out)
{
    double *value = work, *error = work + rows, squares = 0, sum = 0;
    for (size_t i = 0; i < rows; i++) {
        value[i] = truth[i * stride];
        error[i] = value[i] - predicted[i * stride];
        squares += error[i] * error[i];
        sum += fabs(error[i]);
    }
    double whole = squares_around_mean(value, rows);
    out->rmse = sqrt(squares / (double)rows);
    out->mae = sum / (double)rows;
    out->r2 = rows < 2 ? (double)NAN : explained(squares, whole);
    out->explained_variance = explained(squares_around_mean(error, rows), whole);
    for (size_t i = 0; i < rows; i++) error[i] = fabs(error[i]);
    out->median_absolute_error = isnan(sum) ? (double)NAN : median(error, rows);
}

ls_status ls_number_scores_compute(const double *truth, const double *predicted, size_t rows,
                                   size_t stride, ls_number_scores *out, ls_error *err)
{
    double *work;
    assert(truth && predicted && stride > 0);
    *out = (ls_number_scores){NAN, NAN, NAN, NAN, NAN};
    if (!rows) return LS_OK;
    LS_TRY(ls_alloc(&work, rows, 2 * sizeof *work, "metrics", err));
    score(truth, predicted, rows, stride, work, out);
    free(work);
    return LS_OK;
}

/* ---- All targets ----------------------------------------------------------------------------- */

/* RMSE and MAE of predicting `mean` for every row. */
static void add_baseline(const double *truth, size_t rows, size_t targets, const double *mean,
                         ls_metrics *m)
{
    m->baseline_rmse = m->baseline_mae = 0;
    for (size_t k = 0; k < targets; k++) {
        double squares = 0, sum = 0;
        for (size_t i = 0; i < rows; i++) {
            double off = truth[i * targets + k] - mean[k];
            squares += off * off;
            sum += fabs(off);
        }
        m->baseline_rmse += sqrt(squares / (double)rows) / (double)targets;
        m->baseline_mae += sum / (double)rows / (double)targets;
    }
}

static double mean_of(const double *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += x[i];
    return sum / (double)count;
}

static ls_status fill(const double *truth, const double *predicted, const double *mean,
                      ls_metrics *m, ls_error *err)
{
    size_t targets = m->targets;
    double **list[] = {&m->target_rmse, &m->target_mae, &m->target_r2,
                       &m->target_median_absolute_error, &m->target_explained_variance};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        LS_TRY(ls_alloc(list[i], targets, sizeof(double), "metrics", err));
    for (size_t k = 0; k < targets; k++) {
        ls_number_scores s;
        LS_TRY(ls_number_scores_compute(truth + k, predicted + k, m->rows, targets, &s, err));
        m->target_rmse[k] = s.rmse;
        m->target_mae[k] = s.mae;
        m->target_r2[k] = s.r2;
        m->target_median_absolute_error[k] = s.median_absolute_error;
        m->target_explained_variance[k] = s.explained_variance;
    }
    m->rmse = mean_of(m->target_rmse, targets);
    m->mae = mean_of(m->target_mae, targets);
    m->r2 = mean_of(m->target_r2, targets);
    m->median_absolute_error = mean_of(m->target_median_absolute_error, targets);
    m->explained_variance = mean_of(m->target_explained_variance, targets);
    if (m->rows && mean) add_baseline(truth, m->rows, targets, mean, m);
    return LS_OK;
}

ls_status ls_number_metrics_compute(const double *truth, const double *predicted, size_t rows,
                                    size_t targets, const double *mean, const float *row_loss,
                                    ls_metrics **out, ls_error *err)
{
    ls_metrics *m;
    assert(targets > 0);
    LS_TRY(ls_metrics_create(rows, 0, 0, &m, err));
    m->targets = targets;
    ls_metrics_add_losses(m, row_loss);
    ls_status status = fill(truth, predicted, mean, m, err);
    if (status != LS_OK) {
        ls_metrics_free(m);
        return status;
    }
    *out = m;
    return LS_OK;
}
