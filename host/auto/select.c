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

ls_status ls_choose_ensemble(const ls_candidate *candidate, size_t count, size_t values, bool numbers,
                    size_t picks, uint64_t *times, double *loss, ls_error *err)
{
    double *sum;
    size_t *picked, kept = 0;
    LS_TRY(ls_alloc(&sum, values, sizeof *sum, "the ensemble", err));
    ls_status status = ls_alloc(&picked, picks, sizeof *picked, "the ensemble", err);
    *loss = INFINITY;
    for (size_t n = 0; n < picks && status == LS_OK; n++) {
        double least = INFINITY;
        picked[n] = 0;
        for (size_t i = 0; i < count; i++) {
            double now = loss_with(sum, &candidate[i], values, (double)n + 1, numbers);
            if (!(now < least)) continue;
            least = now;
            picked[n] = i;
        }
        for (size_t i = 0; i < values; i++) sum[i] += (double)candidate[picked[n]].evidence[i];
        if (!(least < *loss)) continue;
        *loss = least;
        kept = n + 1;
    }
    memset(times, 0, count * sizeof *times);
    for (size_t n = 0; n < kept && status == LS_OK; n++) times[picked[n]]++;
    if (status == LS_OK) free(picked);
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
