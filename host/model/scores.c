/* SPDX-License-Identifier: MIT */
#include "host/model/scores.h"
#include "host/base/memory.h"
#include "host/model/decision.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

static int by_score(const void *a, const void *b)
{
    float left = ((const ls_scored_row *)a)->score, right = ((const ls_scored_row *)b)->score;
    return (left > right) - (left < right);
}

ls_status ls_scores_sort(const float *outputs, size_t rows, size_t columns, const int32_t *y,
                         size_t k, ls_scored_row **out, ls_error *err)
{
    ls_scored_row *scored = NULL;
    assert(outputs && y && columns > 0);
    LS_TRY(ls_alloc(&scored, rows, sizeof *scored, "scores to rank", err));
    for (size_t i = 0; i < rows; i++) {
        float score = ls_class_score(outputs + i * columns, columns, k);
        scored[i].score = isnan(score) ? -INFINITY : score; /* qsort needs a total order */
        scored[i].positive = (size_t)y[i] == k;
    }
    qsort(scored, rows, sizeof *scored, by_score);
    *out = scored;
    return LS_OK;
}

/* Counts in integers (twice the number of wins, below 2^63 for up to 2^32 rows), so that the result
 * does not depend on the order of tied rows. */
double ls_scores_auc(const ls_scored_row *sorted, size_t rows)
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
    if (!positives || !negatives) return (double)NAN;
    return (double)twice_wins / (2.0 * (double)positives * (double)negatives);
}

/* Goes down from the highest score. With each distinct score as the threshold, F1 is 2·hits /
 * (predicted + positives). Two F1 values are compared as fractions, in integers below 2^64 for up
 * to 2^31 rows, so that rounding never decides. */
ls_status ls_scores_best_f1(const ls_scored_row *sorted, size_t rows, float *threshold,
                            ls_error *err)
{
    uint64_t positives = 0, hits = 0, best_hits = 0, best_all = 1;
    float best = NAN;
    for (size_t i = 0; i < rows; i++) positives += sorted[i].positive;
    if (!positives)
        return ls_fail(
            err, LS_ERR_DATA,
            "best-f1: no row is of the positive class, so all thresholds are equally good; give a number");
    for (size_t i = rows; i-- > 0;) {
        hits += sorted[i].positive;
        if (!isfinite(sorted[i].score) || (i > 0 && !(sorted[i - 1].score < sorted[i].score)))
            continue;
        uint64_t all = (uint64_t)(rows - i) + positives;
        if (hits * best_all < best_hits * all) continue;
        best_hits = hits;
        best_all = all;
        best = sorted[i].score;
    }
    if (isnan(best)) return ls_fail(err, LS_ERR_DATA, "best-f1: no score is finite; give a number");
    *threshold = best;
    return LS_OK;
}
