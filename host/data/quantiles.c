/* SPDX-License-Identifier: MIT */
#include "host/data/quantiles.h"
#include "host/base/memory.h"
#include "kernels/arith.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

ls_status ls_quantiles_create(size_t inputs, size_t knots, ls_quantiles **out, ls_error *err)
{
    ls_quantiles *q;
    LS_TRY(ls_alloc(&q, 1, sizeof *q, "the quantiles", err));
    q->inputs = inputs;
    q->room = knots;
    ls_status status = ls_alloc(&q->first, inputs + 1, sizeof *q->first, "the quantiles", err);
    if (status == LS_OK) status = ls_alloc(&q->x, knots, sizeof *q->x, "the quantiles", err);
    if (status == LS_OK) status = ls_alloc(&q->z, knots, sizeof *q->z, "the quantiles", err);
    if (status != LS_OK) ls_quantiles_free(q);
    else *out = q;
    return status;
}

ls_status ls_quantiles_copy(const ls_quantiles *from, ls_quantiles **out, ls_error *err)
{
    if (!from) return LS_OK;
    const size_t knots = from->first[from->inputs];
    LS_TRY(ls_quantiles_create(from->inputs, knots, out, err));
    memcpy((*out)->first, from->first, (from->inputs + 1) * sizeof *from->first);
    memcpy((*out)->x, from->x, knots * sizeof *from->x);
    memcpy((*out)->z, from->z, knots * sizeof *from->z);
    return LS_OK;
}

void ls_quantiles_free(ls_quantiles *q)
{
    if (!q) return;
    free(q->first);
    free(q->x);
    free(q->z);
    free(q);
}

/* ---- Fitting --------------------------------------------------------------------------------- */

double ls_quantile(const double *sorted, size_t count, double share)
{
    double at = share * (double)(count - 1);
    size_t below = (size_t)at;
    if (below + 1 >= count) return sorted[count - 1];
    return sorted[below] + (sorted[below + 1] - sorted[below]) * (at - (double)below);
}

/* The least float whose share of the normal distribution is at least p < 1/2, by bisection. */
static float normal_quantile(float p)
{
    float below = -8, least = 0;
    for (;;) {
        float middle = 0.5f * (below + least);
        if (!(middle > below && middle < least)) return least;
        if (ls_normal_cdf(middle) < p) below = middle;
        else least = middle;
    }
}

void ls_normal_scores(size_t count, double *score)
{
    for (size_t k = 0; k < count - k; k++) {
        bool middle = k == count - 1 - k;
        double z = middle ? 0 : (double)normal_quantile(((float)k + 0.5f) / (float)count);
        score[count - 1 - k] = -z;
        score[k] = z;
    }
}

size_t ls_quantiles_knots(size_t rows, size_t numbers)
{
    size_t most = numbers ? LS_MOST_KNOTS_TOGETHER / numbers : LS_MOST_KNOTS;
    if (most > LS_MOST_KNOTS) most = LS_MOST_KNOTS;
    if (most > rows) most = rows;
    return most ? most : 1;
}

void ls_quantiles_fit(ls_quantiles *q, size_t input, const double *sorted, size_t count,
                      const double *score, size_t knots)
{
    size_t to = q->first[input], begin = 0;
    assert(to + knots <= q->room && knots);
    if (!count) {
        q->x[to] = q->z[to] = 0;
        q->first[input + 1] = to + 1;
        return;
    }
    for (size_t k = 0; k < knots; k++) {
        double share = knots > 1 ? (double)k / (double)(knots - 1) : 0.5,
               value = ls_quantile(sorted, count, share);
        if (!k || value > q->x[to - 1]) {
            q->x[to++] = value;
            begin = k;
        }
        q->z[to - 1] = (score[begin] + score[k]) / 2;
    }
    q->first[input + 1] = to;
}

void ls_quantiles_skip(ls_quantiles *q, size_t input) { q->first[input + 1] = q->first[input]; }

/* ---- Scores ---------------------------------------------------------------------------------- */

double ls_quantiles_score(const ls_quantiles *q, size_t input, double value)
{
    size_t low = q->first[input], high = q->first[input + 1] - 1;
    const double *x = q->x, *z = q->z;
    assert(high >= low && high < q->room);
    if (!(value > x[low])) return z[low];
    if (!(value < x[high])) return z[high];
    while (high - low > 1) { /* x[low] <= value < x[high] */
        size_t middle = low + (high - low) / 2;
        if (x[middle] <= value) low = middle;
        else high = middle;
    }
    return z[low] + (z[high] - z[low]) * ((value - x[low]) / (x[high] - x[low]));
}
