/* SPDX-License-Identifier: MIT */
/* Compares every metric with scikit-learn's, and the chosen threshold with all other thresholds. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/model/decision.h"
#include "host/model/metrics.h"
#include "host/model/scores.h"
#include "host/model/threshold.h"
#include "tests/support/known_metrics.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Comparison with scikit-learn ------------------------------------------------------------ */

static ls_decision decision_of(const known_metrics *k)
{
    ls_decision how = ls_decision_default();
    how.positive = k->positive;
    how.threshold = (float)k->threshold;
    return how;
}

static ls_metrics *measure(const known_metrics *k)
{
    const ls_metric_rules how = {
        .positive = k->positive, .decision = decision_of(k), .probabilities = true};
    ls_metrics *m = NULL;
    ls_error err;
    cr_assert_eq(ls_metrics_compute(k->outputs, k->rows, k->columns, k->y, k->classes, NULL, &how,
                                    &m, &err),
                 LS_OK, "%s: %s", k->name, err.message);
    return m;
}

/* Equal up to the last digits, which depend on the order of summation. */
static void same(const char *name, const char *what, double found, double expected)
{
    bool near = isnan(expected) ? isnan(found) : fabs(found - expected) <= 1e-12 * fabs(expected);
    cr_expect(near, "%s: %s is %.17g, scikit-learn has %.17g", name, what, found, expected);
}

static void check_classes(const known_metrics *k, const ls_metrics *m)
{
    for (size_t c = 0; c < k->classes; c++) {
        same(k->name, "a class's precision", m->class_precision[c], k->precision[c]);
        same(k->name, "a class's recall", m->class_recall[c], k->recall[c]);
        same(k->name, "a class's F1", m->class_f1[c], k->f1[c]);
        cr_expect_eq(m->class_support[c], k->support[c], "%s: class %zu has %llu rows", k->name, c,
                     (unsigned long long)m->class_support[c]);
    }
    for (size_t i = 0; i < k->classes * k->classes; i++)
        cr_expect_eq(m->confusion[i], k->confusion[i], "%s: confusion %zu", k->name, i);
}

static void check_means(const known_metrics *k, const ls_metrics *m)
{
    const double macro[] = {m->macro_precision, m->macro_recall, m->macro_f1},
                 weighted[] = {m->weighted_precision, m->weighted_recall, m->weighted_f1};
    const double reported[] = {m->precision, m->recall, m->f1},
                 positive[] = {k->precision[k->positive], k->recall[k->positive],
                               k->f1[k->positive]};
    static const char *const names[] = {"precision", "recall", "F1"};
    for (size_t i = 0; i < 3; i++) {
        same(k->name, names[i], macro[i], k->macro[i]);
        same(k->name, names[i], weighted[i], k->weighted[i]);
        same(k->name, names[i], reported[i], k->classes == 2 ? positive[i] : k->macro[i]);
    }
}

static void check_calibration(const known_metrics *k, const ls_metrics *m)
{
    same(k->name, "the calibration error", m->calibration_error, k->calibration_error);
    for (size_t b = 0; b < LS_CALIBRATION_BINS; b++) {
        cr_expect_eq(m->calibration[b].rows, k->bin_rows[b], "%s: bin %zu has %llu rows", k->name,
                     b, (unsigned long long)m->calibration[b].rows);
        same(k->name, "a bin's score", m->calibration[b].score, k->bin_score[b]);
        same(k->name, "a bin's share", m->calibration[b].share, k->bin_share[b]);
    }
}

static void check_best_f1(const known_metrics *k)
{
    ls_scored_row *sorted;
    float threshold = NAN;
    if (k->classes != 2) return;
    cr_assert_eq(ls_scores_sort(k->outputs, k->rows, k->columns, k->y, k->positive, &sorted, NULL),
                 LS_OK);
    ls_status status = ls_scores_best_f1(sorted, k->rows, &threshold, NULL);
    cr_expect_eq(status, isnan(k->best_f1) ? LS_ERR_DATA : LS_OK, "%s", k->name);
    same(k->name, "the threshold with the best F1", (double)threshold, k->best_f1);
    free(sorted);
}

Test(known_metrics, are_those_of_scikit_learn)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        const known_metrics *k = &known[i];
        ls_metrics *m = measure(k);
        same(k->name, "accuracy", m->accuracy, k->accuracy);
        same(k->name, "AUC", m->auc, k->auc);
        same(k->name, "log-loss", m->log_loss, k->log_loss);
        same(k->name, "the Brier score", m->brier, k->brier);
        check_means(k, m);
        check_classes(k, m);
        check_calibration(k, m);
        check_best_f1(k);
        ls_metrics_free(m);
    }
}

/* Outputs that are not probabilities have all metrics but those of probabilities. */
Test(known_metrics, of_outputs_that_are_not_probabilities)
{
    static const float outputs[] = {-3, 0.4f, 7, 1};
    static const int32_t y[] = {0, 0, 1, 1};
    const ls_metric_rules how = {
        .positive = 1, .decision = ls_decision_default(), .probabilities = false};
    ls_metrics *m;
    cr_assert_eq(ls_metrics_compute(outputs, 4, 1, y, 2, NULL, &how, &m, NULL), LS_OK);
    cr_expect(isnan(m->log_loss) && isnan(m->brier) && isnan(m->calibration_error));
    for (size_t b = 0; b < LS_CALIBRATION_BINS; b++)
        cr_expect(!m->calibration[b].rows && isnan(m->calibration[b].score) &&
                  isnan(m->calibration[b].share));
    cr_expect(m->accuracy == 1 && m->auc == 1 && m->f1 == 1 && m->macro_f1 == 1);
    ls_metrics_free(m);
}

/* Compared with libm's, which is accurate to about one ulp. */
Test(known_metrics, logarithm)
{
    static const double some[] = {1,
                                  0.5,
                                  2,
                                  0x1p-23,
                                  1 - 0x1p-23,
                                  0.70710678118654746,
                                  0.70710678118654757,
                                  1e-300,
                                  1e300,
                                  0x1.fffffffffffffp-1,
                                  3};
    for (size_t i = 0; i < COUNT(some); i++)
        cr_expect(fabs(ls_metrics_log(some[i]) - log(some[i])) <= 4e-16 * fabs(log(some[i])),
                  "log %.17g: %.17g", some[i], ls_metrics_log(some[i]));
    for (double x = 1e-7; x < 1; x *= 1.0001)
        cr_assert(fabs(ls_metrics_log(x) - log(x)) <= 4e-16 * fabs(log(x)),
                  "log %.17g: %.17g, not %.17g", x, ls_metrics_log(x), log(x));
}

/* ---- Thresholds ------------------------------------------------------------------------------ */

/* Twice the true positives, and the actual plus the predicted positives: F1 is their ratio. */
typedef struct {
    uint64_t twice, all;
} fraction;

static fraction f1_at(const float *outputs, const int32_t *y, size_t rows, size_t columns,
                      size_t positive, float threshold)
{
    const ls_decision how = {
        .positive = positive, .threshold = threshold, .source = LS_THRESHOLD_GIVEN};
    fraction f = {0, 0};
    for (size_t i = 0; i < rows; i++) {
        bool found = ls_decide(outputs + i * columns, columns, &how) == positive,
             truly = (size_t)y[i] == positive;
        f.twice += found && truly ? 2 : 0;
        f.all += found + truly;
    }
    return f;
}

/* Checks that no score gives a better F1 as threshold, no lower score gives the same, and no number
 * between, below or above the scores gives a better one. */
static void check_best(const float *outputs, const int32_t *y, size_t rows, size_t columns,
                       size_t positive)
{
    ls_scored_row *sorted;
    float best;
    cr_assert_eq(ls_scores_sort(outputs, rows, columns, y, positive, &sorted, NULL), LS_OK);
    cr_assert_eq(ls_scores_best_f1(sorted, rows, &best, NULL), LS_OK);
    fraction top = f1_at(outputs, y, rows, columns, positive, best);
    bool is_score = false;
    for (size_t i = 0; i < rows; i++) {
        const float around[] = {sorted[i].score, nextafterf(sorted[i].score, -1),
                                nextafterf(sorted[i].score, 2)};
        is_score |= sorted[i].score == best;
        for (size_t k = 0; k < 3; k++) {
            fraction f = f1_at(outputs, y, rows, columns, positive, around[k]);
            cr_assert(f.twice * top.all <= top.twice * f.all, "%zu rows: %.9g is better than %.9g",
                      rows, (double)around[k], (double)best);
            cr_assert(k || around[k] >= best || f.twice * top.all < top.twice * f.all,
                      "%zu rows: %.9g is as good as %.9g", rows, (double)around[k], (double)best);
        }
    }
    cr_assert(is_score);
    free(sorted);
}

Test(known_metrics, no_threshold_is_better_than_the_best)
{
    enum { ROWS = 40 };
    float outputs[2 * ROWS];
    int32_t y[ROWS];
    uint64_t state = 7;
    for (int run = 0; run < 600; run++) {
        size_t rows = 1 + (size_t)run % ROWS, columns = 1 + (size_t)run / ROWS % 2,
               positive = (size_t)run % 2;
        unsigned grain = run % 3 ? 8 : 100000; /* many ties, or almost none */
        for (size_t i = 0; i < rows; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            float p = (float)((state >> 33) % (grain + 1)) / (float)grain;
            y[i] = i == 0 ? (int32_t)positive : (int32_t)((state >> 50) % 5 == 0);
            outputs[i * columns] = columns == 2 ? 1 - p : p;
            if (columns == 2) outputs[2 * i + 1] = p;
        }
        check_best(outputs, y, rows, columns, positive);
    }
}

Test(known_metrics, no_threshold_without_positive_rows_or_finite_scores)
{
    static const float bad[] = {NAN, -INFINITY, INFINITY}, mixed[] = {NAN, 0.5f, 0.25f};
    static const int32_t none[] = {0, 0, 0}, some[] = {1, 0, 1};
    ls_scored_row *sorted;
    ls_error err;
    float threshold = 9;
    cr_assert_eq(ls_scores_sort(mixed, 3, 1, none, 1, &sorted, NULL), LS_OK);
    cr_expect_eq(ls_scores_best_f1(sorted, 3, &threshold, &err), LS_ERR_DATA);
    free(sorted);
    cr_assert_eq(ls_scores_sort(bad, 3, 1, some, 1, &sorted, NULL), LS_OK);
    cr_expect_eq(ls_scores_best_f1(sorted, 3, &threshold, &err), LS_ERR_DATA);
    cr_expect_eq(threshold, 9);
    free(sorted);
    cr_assert_eq(ls_scores_sort(mixed, 3, 1, some, 1, &sorted, NULL), LS_OK);
    cr_expect(ls_scores_best_f1(sorted, 3, &threshold, &err) == LS_OK && threshold == 0.25f);
    free(sorted);
}

static ls_status read_options(const char *positive, const char *threshold, size_t classes, bool raw,
                              ls_decision *how, bool *best_f1, ls_error *err)
{
    char *names[] = {"1", "yes", "maybe"};
    const ls_threshold_options options = {.positive = positive, .threshold = threshold};
    *how = ls_decision_default();
    return ls_threshold_read(&options, names, classes, raw, how, best_f1, err);
}

Test(known_metrics, threshold_options_that_are_accepted_and_refused)
{
    static const struct {
        const char *positive, *threshold;
        size_t classes;
        bool raw;
        const char *words;
    } wrong[] = {{"no", NULL, 2, false, "no"},          {"2", NULL, 2, false, "2"},
                 {"", NULL, 2, false, "positive"},      {NULL, "high", 2, false, "high"},
                 {NULL, "", 2, false, "threshold"},     {NULL, "nan", 2, true, "nan"},
                 {NULL, "inf", 2, true, "inf"},         {NULL, "1e39", 2, true, "1e39"},
                 {NULL, "1.5", 2, false, "1.5"},        {NULL, "-0.1", 2, false, "-0.1"},
                 {NULL, "0.5", 3, false, "3"},          {"yes", NULL, 3, false, "positive"},
                 {NULL, "best-f2", 2, false, "best-f2"}};
    ls_decision how;
    bool best_f1;
    ls_error err;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        cr_expect_eq(read_options(wrong[i].positive, wrong[i].threshold, wrong[i].classes,
                                  wrong[i].raw, &how, &best_f1, &err),
                     LS_ERR_ARGUMENT, "%zu", i);
        cr_expect(strstr(err.message, wrong[i].words), "%s", err.message);
        cr_expect(isnan(how.threshold) && how.positive == 1);
    }
    cr_expect(read_options("1", "0.25", 2, false, &how, &best_f1, &err) == LS_OK &&
              how.positive == 0 && how.threshold == 0.25f &&
              !best_f1); /* a name takes precedence over a number */
    cr_expect(how.source == LS_THRESHOLD_GIVEN);
    cr_expect(read_options("0", "-7", 2, true, &how, &best_f1, &err) == LS_OK &&
              how.positive == 0 && how.threshold == -7);
    cr_expect(read_options("yes", "best-f1", 2, false, &how, &best_f1, &err) == LS_OK &&
              how.positive == 1 && best_f1);
    cr_expect(read_options(NULL, NULL, 3, false, &how, &best_f1, &err) == LS_OK &&
              isnan(how.threshold));
    cr_expect_eq(ls_threshold_read(NULL, NULL, 3, false, &how, &best_f1, &err), LS_OK);
}
