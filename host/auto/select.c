/* SPDX-License-Identifier: MIT */
#include "host/auto/select.h"
#include "host/base/memory.h"
#include "host/model/ensemble.h"
#include "kernels/arith.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static float log_of(float p) { return ls_log(p < FLT_MIN ? FLT_MIN : p); }

/* ---- The ensemble ---------------------------------------------------------------------------- */

static double loss_of(double mean, bool numbers)
{
    return numbers ? mean * mean : -(double)log_of((float)mean);
}

double ls_evidence_loss(const double *sum, size_t values, double count, bool numbers)
{
    double loss = 0;
    for (size_t i = 0; i < values; i++) loss += loss_of(sum[i] / count, numbers);
    return loss / (double)values;
}

/* The loss if the candidate joins. */
static double loss_with(const double *sum, const ls_candidate *c, size_t values, double count,
                        bool numbers)
{
    double loss = 0;
    for (size_t i = 0; i < values; i++)
        loss += loss_of((sum[i] + (double)c->evidence[i]) / count, numbers);
    return loss / (double)values;
}

/* The candidate whose joining gives the least loss; of those of `open` only, if that is not NULL.
 */
static size_t best_next(const ls_candidate *candidate, size_t count, const bool *open,
                        const double *sum, size_t values, double picks, bool numbers, double *loss)
{
    size_t best = 0;
    *loss = INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (open && !open[i]) continue;
        double now = loss_with(sum, &candidate[i], values, picks, numbers);
        if (!(now < *loss)) continue;
        *loss = now;
        best = i;
    }
    return best;
}

ls_status ls_choose_ensemble(const ls_candidate *candidate, size_t count, size_t values,
                             bool numbers, size_t picks, uint64_t *times, double *loss,
                             ls_error *err)
{
    enum { FIRST = 4 }; /* different ones: a few rows cannot tell which single one is the best */
    const size_t first = count < 2 * FIRST ? 1 : FIRST;
    double *sum, now;
    size_t *picked = NULL, kept = 0;
    bool *open = NULL;
    LS_TRY(ls_alloc(&sum, 2 * values, sizeof *sum, "the ensemble", err));
    const double *nothing = sum + values;
    ls_status status = ls_alloc(&picked, picks, sizeof *picked, "the ensemble", err);
    if (status == LS_OK) status = ls_alloc(&open, count, sizeof *open, "the ensemble", err);
    for (size_t i = 0; i < count && status == LS_OK; i++) open[i] = true;
    *loss = INFINITY;
    for (size_t n = 0; n < picks && status == LS_OK; n++) {
        picked[n] = n < first ? best_next(candidate, count, open, nothing, values, 1, numbers, &now)
                              : best_next(candidate, count, NULL, sum, values, (double)n + 1,
                                          numbers, &now);
        open[picked[n]] = false;
        for (size_t i = 0; i < values; i++) sum[i] += (double)candidate[picked[n]].evidence[i];
        if (n + 1 < first) continue;
        if (n + 1 == first) now = ls_evidence_loss(sum, values, (double)first, numbers);
        if (!(now < *loss) && n + 1 > first) continue;
        *loss = now;
        kept = n + 1;
    }
    memset(times, 0, count * sizeof *times);
    for (size_t n = 0; n < kept && status == LS_OK; n++) times[picked[n]]++;
    free(picked);
    free(open);
    free(sum);
    return status;
}

/* ---- Temperature ----------------------------------------------------------------------------- */

static double calibrated_loss(const float *p, const int32_t *y, size_t rows, size_t width,
                              float inverse)
{
    double loss = 0;
    for (size_t r = 0; r < rows; r++) {
        const float *row = p + r * width;
        if (width == 1) {
            float z = (log_of(*row) - log_of(1.0f - *row)) * inverse, one = ls_sigmoid(z);
            loss -= (double)log_of(y[r] ? one : 1.0f - one);
            continue;
        }
        float top = -FLT_MAX, sum = 0;
        for (size_t k = 0; k < width; k++) {
            float z = log_of(row[k]) * inverse;
            top = z > top ? z : top;
        }
        for (size_t k = 0; k < width; k++) sum += ls_exp(log_of(row[k]) * inverse - top);
        loss -= (double)(log_of(row[y[r]]) * inverse - top - ls_log(sum));
    }
    return loss / (double)rows;
}

double ls_fit_temperature(const float *p, const int32_t *y, size_t rows, size_t width, double *loss)
{
    enum {
        LEAST = 16,
        ONE = 64,
        MOST = 256
    }; /* of 1/temperature in 64ths, in which it is convex */
    int low = LEAST, high = MOST;
    while (low < high) {
        int middle = (low + high) / 2;
        double here = calibrated_loss(p, y, rows, width, (float)middle / ONE),
               next = calibrated_loss(p, y, rows, width, (float)(middle + 1) / ONE);
        if (next < here) low = middle + 1;
        else high = middle;
    }
    *loss = calibrated_loss(p, y, rows, width, (float)low / ONE);
    return (double)ONE / low;
}

double ls_calibrated_loss(const float *p, const int32_t *y, size_t rows, size_t width,
                          double temperature)
{
    return calibrated_loss(p, y, rows, width, (float)(1 / temperature));
}
