/* SPDX-License-Identifier: MIT */
/* Compares the metrics of numbers and of labels with scikit-learn's. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

#include "host/model/label_metrics.h"
#include "host/model/number_metrics.h"
#include "tests/support/known_numbers.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Equal up to the last digits, which depend on the order of summation. */
static void same(const char *name, const char *what, double found, double expected)
{
    bool near = isnan(expected) ? isnan(found) : fabs(found - expected) <= 1e-12 * fabs(expected);
    cr_expect(near, "%s: %s is %.17g, scikit-learn has %.17g", name, what, found, expected);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static const char *const metric_names[KNOWN_METRICS] = {"RMSE", "MAE", "median absolute error",
                                                        "R2", "explained variance"};

static void check_numbers(const known_numbers *k)
{
    ls_metrics *m = NULL;
    ls_error err;
    cr_assert_eq(ls_number_metrics_compute(k->truth, k->predicted, k->rows, k->targets, NULL, NULL,
                                           &m, &err),
                 LS_OK, "%s: %s", k->name, err.message);
    const double means[] = {m->rmse, m->mae, m->median_absolute_error, m->r2,
                            m->explained_variance};
    const double *const each[] = {m->target_rmse, m->target_mae, m->target_median_absolute_error,
                                  m->target_r2, m->target_explained_variance};
    cr_expect(m->rows == k->rows && m->targets == k->targets && m->classes == 0 && !m->confusion);
    cr_expect(isnan(m->accuracy) && isnan(m->auc) && isnan(m->loss) && isnan(m->baseline_rmse) &&
              m->undefined == 0);
    for (size_t i = 0; i < KNOWN_METRICS; i++) {
        same(k->name, metric_names[i], means[i], k->mean[i]);
        for (size_t t = 0; t < k->targets; t++)
            same(k->name, metric_names[i], each[i][t], k->each[i][t]);
    }
    ls_metrics_free(m);
}

Test(known_numbers, as_scikit_learn)
{
    cr_assert_geq(COUNT(numbers), 16);
    for (size_t i = 0; i < COUNT(numbers); i++) check_numbers(&numbers[i]);
}

/* Sums run in a fixed order, but the order of the rows must hardly matter. */
Test(known_numbers, order_of_rows)
{
    enum { N = 251 };
    double truth[N], predicted[N], back[2][N];
    ls_number_scores a, b;
    for (size_t i = 0; i < N; i++) {
        truth[i] = 100 + (double)(i * 7919 % N);
        predicted[i] = truth[i] + (double)(i * 104729 % 31) - 15.25;
        back[0][N - 1 - i] = truth[i];
        back[1][N - 1 - i] = predicted[i];
    }
    cr_assert_eq(ls_number_scores_compute(truth, predicted, N, 1, &a, NULL), LS_OK);
    cr_assert_eq(ls_number_scores_compute(back[0], back[1], N, 1, &b, NULL), LS_OK);
    same("rows backwards", "RMSE", b.rmse, a.rmse);
    same("rows backwards", "R2", b.r2, a.r2);
    same("rows backwards", "explained variance", b.explained_variance, a.explained_variance);
    cr_expect_eq(a.median_absolute_error, b.median_absolute_error);
}

/* A target that is the same in all rows is recognised whatever the rounding of its mean: 0.1 has no
 * exact sum. */
Test(known_numbers, constant_targets_without_exact_mean)
{
    enum { N = 7 };
    double truth[N], exact[N], off[N];
    ls_number_scores s;
    for (size_t i = 0; i < N; i++) {
        truth[i] = exact[i] = 0.1;
        off[i] = 0.1 + (double)(i % 2);
    }
    cr_assert_eq(ls_number_scores_compute(truth, exact, N, 1, &s, NULL), LS_OK);
    cr_expect(s.r2 == 1 && s.explained_variance == 1 && s.rmse == 0, "R2 %g", s.r2);
    cr_assert_eq(ls_number_scores_compute(truth, off, N, 1, &s, NULL), LS_OK);
    cr_expect(s.r2 == 0 && s.explained_variance == 0, "R2 %g", s.r2);
}

Test(known_numbers, predictions_that_are_not_finite)
{
    const double truth[] = {1, 2, 3, 4}, bad[] = {1, NAN, 3, 4}, far[] = {1, INFINITY, 3, 4};
    ls_number_scores s;
    cr_assert_eq(ls_number_scores_compute(truth, bad, 4, 1, &s, NULL), LS_OK);
    cr_expect(isnan(s.rmse) && isnan(s.mae) && isnan(s.r2) && isnan(s.median_absolute_error) &&
              isnan(s.explained_variance));
    cr_assert_eq(ls_number_scores_compute(truth, far, 4, 1, &s, NULL), LS_OK);
    cr_expect(isinf(s.rmse) && isinf(s.mae) && s.r2 == -(double)INFINITY &&
              s.median_absolute_error == 0);
    cr_assert_eq(ls_number_scores_compute(truth, far, 0, 1, &s, NULL), LS_OK);
    cr_expect(isnan(s.rmse) && isnan(s.median_absolute_error));
}

/* The baseline predicts the given mean for every row. */
Test(known_numbers, baselines)
{
    const double truth[] = {1, 10, 3, 20, 8, 60}, mean[] = {2, 30}, losses[] = {0.5, 1.5, 4};
    float row_loss[3];
    ls_metrics *m = NULL;
    for (size_t i = 0; i < 3; i++) row_loss[i] = (float)losses[i];
    cr_assert_eq(ls_number_metrics_compute(truth, truth, 3, 2, mean, row_loss, &m, NULL), LS_OK);
    same("baseline", "RMSE", m->baseline_rmse,
         (sqrt((1 + 1 + 36) / 3.0) + sqrt((400 + 100 + 900) / 3.0)) / 2);
    same("baseline", "MAE", m->baseline_mae, ((1 + 1 + 6) / 3.0 + (20 + 10 + 30) / 3.0) / 2);
    cr_expect(m->loss == 2 && m->loss_sum == 6 && m->rmse == 0 && m->r2 == 1);
    ls_metrics_free(m);
}

/* ---- Labels ---------------------------------------------------------------------------------- */

static void check_labels(const known_labels *k)
{
    double share[9] = {0};
    ls_metrics *m = NULL;
    ls_error err;
    cr_assert_eq(ls_label_metrics_compute(k->scores, k->truth, k->rows, k->labels, share, NULL, &m,
                                          &err),
                 LS_OK, "%s: %s", k->name, err.message);
    const double macro[] = {m->macro_precision, m->macro_recall, m->macro_f1},
                 weighted[] = {m->weighted_precision, m->weighted_recall, m->weighted_f1};
    static const char *const names[] = {"precision", "recall", "F1"};
    cr_expect(m->targets == k->labels && m->classes == 0 && !m->confusion && isnan(m->rmse) &&
              isnan(m->log_loss) && isnan(m->brier) && isnan(m->calibration_error));
    same(k->name, "accuracy", m->accuracy, k->accuracy);
    same(k->name, "AUC", m->auc, k->auc);
    for (size_t i = 0; i < 3; i++) {
        same(k->name, names[i], macro[i], k->macro[i]);
        same(k->name, names[i], weighted[i], k->weighted[i]);
    }
    cr_expect(m->precision == m->macro_precision && m->recall == m->macro_recall &&
              m->f1 == m->macro_f1);
    for (size_t i = 0; i < k->labels; i++) {
        same(k->name, "a label's precision", m->class_precision[i], k->precision[i]);
        same(k->name, "a label's recall", m->class_recall[i], k->recall[i]);
        same(k->name, "a label's F1", m->class_f1[i], k->f1[i]);
        cr_expect_eq(m->class_support[i], k->support[i], "%s: label %zu", k->name, i);
    }
    cr_expect_eq(isnan(k->auc), m->undefined > 0 && isnan(m->auc));
    ls_metrics_free(m);
}

Test(known_numbers, labels_as_scikit_learn)
{
    cr_assert_geq(COUNT(labels), 9);
    for (size_t i = 0; i < COUNT(labels); i++) check_labels(&labels[i]);
}

/* The baseline gives each label its more frequent value in the training rows. */
Test(known_numbers, baseline_of_labels)
{
    const double truth[] = {1, 0, 1, 1, 0, 0, 1, 0}, share[] = {0.5, 0.4};
    const float scores[] = {0.5f, 0.4f, 0.6f, 0.6f, 0.2f, 0.3f, 0.1f, 0.1f};
    ls_metrics *m = NULL;
    cr_assert_eq(ls_label_metrics_compute(scores, truth, 4, 2, share, NULL, &m, NULL), LS_OK);
    cr_expect(m->accuracy == 0.75 && m->baseline_accuracy == 0.5, "%g and %g", m->accuracy,
              m->baseline_accuracy);
    ls_metrics_free(m);
}
