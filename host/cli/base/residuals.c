/* SPDX-License-Identifier: MIT */
#include "host/cli/base/residuals.h"
#include "host/base/memory.h"
#include "host/data/data.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

double residual_truth(const outcome *o, size_t row, size_t target)
{
    return ls_data_values(o->data)[row * o->targets + target];
}

double residual_of(const outcome *o, size_t row, size_t target)
{
    return residual_truth(o, row, target) - o->number[row * o->targets + target];
}

int residual_digits(const outcome *o, size_t target, int least)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t i = 0; i < o->rows; i++) {
        low = fmin(low, residual_truth(o, i, target));
        high = fmax(high, residual_truth(o, i, target));
    }
    double ratio = fmax(fabs(low), fabs(high)) / (high - low);
    if (!(ratio < HUGE_VAL)) return least; /* one number, or none */
    return (int)fmin(fmax(least, ceil(log10(ratio)) + 4), 17);
}

double residual_value(const ls_data *data, size_t row, size_t column)
{
    const ls_column *c = data->column ? &data->column[column] : NULL;
    double cell = (double)data->x[row * data->columns + column];
    return c && !c->categorical ? cell + c->offset : cell;
}

size_t residual_row(const outcome *o, size_t i, size_t rows)
{
    return (size_t)((double)i * (double)o->rows / (double)rows);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

typedef struct {
    double by, residual;
} pair;

static int by_value(const void *a, const void *b)
{
    double x = ((const pair *)a)->by, y = ((const pair *)b)->by;
    return (x > y) - (x < y);
}

/* Where the group that begins at `from` ends. rows: the wanted size; equal values stay together. */
static size_t group_end(const pair *p, size_t n, size_t from, size_t rows)
{
    size_t to = from + 1;
    while (to < n && (to - from < rows || p[to].by <= p[to - 1].by)) to++;
    return to;
}

static residual_group summary_of(const pair *p, size_t from, size_t to)
{
    residual_group g = {.from = p[from].by, .to = p[to - 1].by, .rows = to - from};
    for (size_t i = from; i < to; i++) {
        g.by += p[i].by / (double)g.rows;
        g.mean += p[i].residual / (double)g.rows;
    }
    return g;
}

/* The share of the variance around the mean that the groups explain, corrected for chance. */
static double share_of(const pair *p, size_t n, const residual_group *group, size_t count)
{
    double mean = 0, total = 0, within = 0;
    size_t i = 0;
    for (size_t k = 0; k < n; k++) mean += p[k].residual / (double)n;
    for (size_t g = 0; g < count; g++)
        for (size_t end = i + group[g].rows; i < end; i++) {
            total += (p[i].residual - mean) * (p[i].residual - mean);
            within += (p[i].residual - group[g].mean) * (p[i].residual - group[g].mean);
        }
    if (count < 2 || n <= count || !(total > 0)) return 0;
    return 1 - within / (double)(n - count) * (double)(n - 1) / total;
}

ls_status residual_groups(const outcome *o, size_t target, const double *by, size_t rows,
                          residual_group group[RESIDUAL_GROUPS], size_t *count, double *share,
                          ls_error *err)
{
    pair *p;
    size_t n = 0, distinct = 1;
    *count = 0;
    if (share) *share = 0;
    LS_TRY(ls_alloc(&p, rows, sizeof *p, "the residuals", err));
    for (size_t i = 0; i < rows; i++)
        if (!isnan(by[i])) p[n++] = (pair){by[i], residual_of(o, residual_row(o, i, rows), target)};
    qsort(p, n, sizeof *p, by_value);
    for (size_t i = 1; i < n; i++) distinct += p[i].by > p[i - 1].by;
    size_t wanted = distinct <= RESIDUAL_GROUPS ? 1 : (n + 9) / 10;
    for (size_t from = 0, to; from < n && *count < RESIDUAL_GROUPS; from = to) {
        to = group_end(p, n, from, wanted);
        group[(*count)++] = summary_of(p, from, to);
    }
    if (share) *share = share_of(p, n, group, *count);
    free(p);
    return LS_OK;
}

/* Keeps the list sorted by falling shares. */
static void insert(residual_input *list, size_t *count, residual_input new)
{
    size_t at = *count;
    while (at > 0 && list[at - 1].share < new.share) at--;
    if (at == RESIDUAL_INPUTS) return;
    if (*count < RESIDUAL_INPUTS) (*count)++;
    memmove(list + at + 1, list + at, (*count - 1 - at) * sizeof *list);
    list[at] = new;
}

ls_status residual_inputs(const outcome *o, residual_input list[RESIDUAL_INPUTS], size_t *count,
                          ls_error *err)
{
    enum { MOST = 4000 };
    size_t rows = o->rows < MOST ? o->rows : MOST;
    residual_group group[RESIDUAL_GROUPS];
    ls_status status = LS_OK;
    double *by;
    *count = 0;
    LS_TRY(ls_alloc(&by, rows, sizeof *by, "the residuals", err));
    for (size_t c = 0; c < ls_data_columns(o->data) && status == LS_OK; c++) {
        for (size_t i = 0; i < rows; i++)
            by[i] = residual_value(o->data, residual_row(o, i, rows), c);
        for (size_t t = 0; t < o->targets && status == LS_OK; t++) {
            residual_input new = {.target = t, .column = c};
            size_t groups;
            status = residual_groups(o, t, by, rows, group, &groups, &new.share, err);
            if (groups > 1) insert(list, count, new);
        }
    }
    free(by);
    return status;
}

/* ---- Bins ------------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static ls_status sorted_residuals(const outcome *o, size_t target, double **out, ls_error *err)
{
    LS_TRY(ls_alloc(out, o->rows, sizeof **out, "the residuals", err));
    for (size_t i = 0; i < o->rows; i++) (*out)[i] = residual_of(o, i, target);
    qsort(*out, o->rows, sizeof **out, by_number);
    return LS_OK;
}

/* Linear interpolation between the two nearest values, as numpy.quantile does. */
static double quantile_of(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n) return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

ls_status residual_quantiles(const outcome *o, size_t target, double quantile[RESIDUAL_QUANTILES],
                             ls_error *err)
{
    static const double q[RESIDUAL_QUANTILES] = {0, 0.05, 0.25, 0.5, 0.75, 0.95, 1};
    double *sorted;
    LS_TRY(sorted_residuals(o, target, &sorted, err));
    for (size_t i = 0; i < RESIDUAL_QUANTILES; i++)
        quantile[i] = quantile_of(sorted, o->rows, q[i]);
    free(sorted);
    return LS_OK;
}

ls_status residual_histogram(const outcome *o, size_t target, residual_bins *out, ls_error *err)
{
    double *sorted;
    LS_TRY(sorted_residuals(o, target, &sorted, err));
    double first = quantile_of(sorted, o->rows, 0.25), third = quantile_of(sorted, o->rows, 0.75),
           far = third > first ? 4 * (third - first) : HUGE_VAL, low = fmax(sorted[0], first - far),
           high = fmin(sorted[o->rows - 1], third + far);
    if (!(high > low)) low -= 0.5, high += 0.5; /* all residuals are equal */
    *out = (residual_bins){.low = low, .width = (high - low) / RESIDUAL_BINS};
    for (size_t i = 0; i < o->rows; i++) {
        double at = (sorted[i] - low) / out->width;
        size_t k = at > 0 ? at < RESIDUAL_BINS ? (size_t)at : RESIDUAL_BINS - 1 : 0;
        out->rows[k]++;
        out->clipped += sorted[i] < low || sorted[i] > high;
    }
    free(sorted);
    return LS_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static double badness(const outcome *o, size_t row)
{
    double worst = 0;
    for (size_t t = 0; t < o->targets; t++) {
        double rmse = o->metrics->target_rmse[t];
        worst = fmax(worst, fabs(residual_of(o, row, t)) / (rmse > 0 ? rmse : 1));
    }
    return worst;
}

size_t residual_worst(const outcome *o, size_t *list, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < o->rows; i++) {
        double own = badness(o, i);
        size_t at = n;
        while (at > 0 && badness(o, list[at - 1]) < own) at--;
        if (at == most) continue;
        if (n < most) n++;
        memmove(list + at + 1, list + at, (n - 1 - at) * sizeof *list);
        list[at] = i;
    }
    return n;
}

void residual_sample(const outcome *o, size_t most, bool *marks)
{
    size_t worst[10], n = residual_worst(o, worst, sizeof worst / sizeof *worst),
                      rows = o->rows < most ? o->rows : most;
    memset(marks, 0, o->rows * sizeof *marks);
    for (size_t i = 0; i < rows; i++) marks[residual_row(o, i, rows)] = true;
    for (size_t i = 0; i < n; i++) marks[worst[i]] = true;
}
